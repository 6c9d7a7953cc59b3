using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// M layer normalisations such as <see cref="LayerNormNode"/>, stacked: weight and bias [M, …shape], so that each module has a scale and a
/// shift of its own.
/// </summary>
public sealed class LayerNormPool : StackedPool
{
    private readonly long[] _shape;

    /// <summary>Makes modules on rows of this shape, [n] or [C, H, W].</summary>
    public LayerNormPool(string name, int count, long[] shape, Initialiser initialiser)
        : base(
            name,
            count,
            Activation.Identity,
            initialiser.Constant(1, [count, .. shape]),
            initialiser.Constant(0, [count, .. shape])) =>
        _shape = [.. shape];

    /// <summary>Whether the rows are vectors.</summary>
    internal bool TakesVectors => _shape.Length == 1;

    /// <summary>One multiply-add per value, for the scale.</summary>
    public override RowCost? Cost(long[] row) => new(row.Aggregate(1L, (a, b) => a * b), row);

    /// <inheritdoc/>
    public override Tensor ApplyAll(Tensor x) => ApplyEach(x.unsqueeze(1));

    /// <summary>x [n, M or 1, …shape] → [n, M, …shape].</summary>
    public override Tensor ApplyEach(Tensor x) => Operators.LayerNorm(x, _shape) * Weight + Bias!;

    /// <inheritdoc/>
    protected override Tensor Map(Tensor x, Tensor weight, Tensor? bias) =>
        Operators.LayerNorm(x, _shape, weight, bias);

    internal override bool GathersInOnnx => true;

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? modules)
    {
        OnnxValue one = onnx.Reals([.. Enumerable.Repeat(1f, (int)_shape.Aggregate(1L, (a, b) => a * b))], _shape);
        OnnxValue normal = onnx.Add("LayerNormalization", x.Row, [x, one], ("axis", (long)-_shape.Length), ("epsilon", 1e-5f));
        OnnxValue scaled = onnx.Add("Mul", [modules?.Row[0] ?? Count, .. _shape], [normal, Taken(onnx, Weight, "weight", modules)]);
        return onnx.Two("Add", scaled, Taken(onnx, Bias!, "bias", modules));
    }
}
