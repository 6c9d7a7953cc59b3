using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>A column of features that holds categories, counted from 0, as numbers.</summary>
/// <param name="Column">Which column, counted from 0.</param>
/// <param name="Categories">How many categories there are.</param>
/// <param name="Width">The width of the vector that stands for each of them.</param>
public sealed record EmbeddedColumn(int Column, int Categories, int Width);

/// <summary>
/// Puts a learned vector in the place of each category: [B, F] → [B, F − c + Σ widths]. The columns that hold numbers come first, in their order; then the
/// vectors of the c columns that hold categories, in the order in which they are given.
/// </summary>
public sealed class EmbedColumnsNode : Node
{
    private readonly (EmbeddedColumn Column, EmbedNode Table)[] _columns;
    private readonly long[] _numbers;

    /// <summary>
    /// For rows of <paramref name="inputs"/> columns. The table of column i [categories, width] is the parameter column{i}.weight, which begins as that of an
    /// <see cref="EmbedNode"/>.
    /// </summary>
    public EmbedColumnsNode(string name, int inputs, IReadOnlyList<EmbeddedColumn> columns, Initialiser initialiser)
        : base(name)
    {
        _numbers = [.. Enumerable.Range(0, inputs).Except(columns.Select(c => c.Column)).Select(c => (long)c)];
        _columns =
        [
            .. columns.Select(c => (c, new EmbedNode($"{name}/column{c.Column}", c.Categories, c.Width, initialiser))),
        ];
        foreach ((_, EmbedNode table) in _columns)
        {
            register_module(table.LocalName, table);
        }
    }

    /// <summary>UserException where a column of categories holds anything else.</summary>
    public override Tensor Forward(Tensor x, Route route)
    {
        IEnumerable<Tensor> vectors = _columns.Select(c => c.Table.Forward(Categories(x, c.Column), route));
        return Operators.Join(
            _numbers.Length == 0
                ? [.. vectors]
                : [x.IndexSelect(1, tensor(_numbers, device: x.device)), .. vectors],
            1);
    }

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        var parts = new List<OnnxValue>();
        if (_numbers.Length > 0)
        {
            parts.Add(onnx.Add("Gather", [_numbers.Length], [x, onnx.Numbers(_numbers)], ("axis", 1L)));
        }

        foreach ((EmbeddedColumn column, EmbedNode table) in _columns)
        {
            OnnxValue codes = onnx.Add("Gather", [], [x, onnx.Table([column.Column])], ("axis", 1L));
            parts.Add(table.ToOnnx(onnx, onnx.Cast(codes, Onnx.TensorProto.Types.DataType.Int64)));
        }

        return onnx.Add("Concat", [parts.Sum(p => p.Row[0])], parts, ("axis", 1L));
    }

    /// <summary>UserException unless every column of x [N, in] on the CPU has its categories.</summary>
    internal void Demand(Tensor x)
    {
        foreach ((EmbeddedColumn column, _) in _columns)
        {
            _ = Categories(x, column);
        }
    }

    private Tensor Categories(Tensor x, EmbeddedColumn column)
    {
        Tensor values = x.select(1, column.Column).detach();
        if (x.device_type != TorchSharp.DeviceType.CPU)
        {
            // They were checked before they were moved (InputRanges).
            return values.to(ScalarType.Int64);
        }

        // Written so that NaN is none.
        Tensor sound = values.ge(0).logical_and(values.lt(column.Categories)).logical_and(values.eq(values.floor()));
        if (!sound.all().ToBoolean())
        {
            double wrong = values.masked_select(sound.logical_not())[0].to(ScalarType.Float64).ToDouble();
            throw new UserException(
                $"{Name}, column {column.Column}",
                $"a category from 0 to {column.Categories - 1}",
                wrong.ToString("R", CultureInfo.InvariantCulture),
                "give the column its categories as whole numbers from 0, not standardised, or say how many there are");
        }

        return values.to(ScalarType.Int64);
    }
}
