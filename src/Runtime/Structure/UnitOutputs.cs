using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Reads a layer's outputs as those of units: the values of a vector [B, units], the channels of an image [B, units, height, width], or the values at every
/// step of a sequence [B, T, units].
/// </summary>
public static class UnitOutputs
{
    private const int SequenceDimensions = 3;

    /// <summary>The number of units.</summary>
    /// <example><code>long units = UnitOutputs.Count(zeros(2, 8));  // 8</code></example>
    public static long Count(Tensor output) => output.shape[Axis(output)];

    /// <summary>
    /// The outputs of several layers for the same B datapoints as a row for each: [B, units of all]. A channel of an image counts by its mean over
    /// places. Where all layers give sequences of as many steps, every step is a row, [B · T, units of all]; else a sequence counts by its mean over steps.
    /// </summary>
    /// <example><code>Tensor rows = UnitOutputs.Rows([zeros(2, 8), zeros(2, 3, 5, 5)]); // [2, 11]</code></example>
    public static Tensor Rows(IReadOnlyList<Tensor> outputs)
    {
        bool areSteps = outputs.All(o => o.dim() == SequenceDimensions && o.shape[1] == outputs[0].shape[1]);
        return Operators.Join([.. outputs.Select(o => areSteps ? Rows(o) : Mean(o))], 1).to_type(ScalarType.Float64);
    }

    /// <summary>The same of one layer, in its own precision; carries gradient.</summary>
    internal static Tensor Rows(Tensor output) => output.dim() == SequenceDimensions ? output.flatten(0, 1) : Mean(output);

    /// <summary>
    /// The absolute value of Pearson's correlation between the columns of rows [N, units], [units, units]; 0 for a column that does not vary.
    /// </summary>
    /// <example><code>double[,] alike = UnitOutputs.Correlations(rows);</code></example>
    public static double[,] Correlations(Tensor rows)
    {
        using var scope = NewDisposeScope();
        return (double[,])TensorArrays.Of<double>(Alike(rows.to_type(ScalarType.Float64), shares: null).clamp_max(1));
    }

    /// <summary>
    /// The same as a tensor in the rows' own precision, up to rounding; carries gradient, none to a column that does not vary. <paramref name="shares"/> [N], which add up to 1, say
    /// how much each row counts; null where all count alike.
    /// </summary>
    internal static Tensor Alike(Tensor rows, Tensor? shares)
    {
        Tensor share = shares is null ? full(1, 1.0 / rows.shape[0], dtype: rows.dtype, device: rows.device) : shares.unsqueeze(1);
        Tensor centred = (rows - (rows * share).sum(dim: 0, keepdim: true)) * share.sqrt();
        Tensor squares = centred.square().sum(dim: 0);
        // What rounding leaves of a column that does not vary is no variation.
        double rounding = rows.dtype == ScalarType.Float64 ? 1e-12 : 1e-6;
        Tensor varies = squares > rounding * rounding * (rows.square() * share).sum(dim: 0);
        Tensor units = Operators.Where(varies, centred / Operators.Where(varies, squares, ones_like(squares)).sqrt(), zeros_like(centred));
        return units.t().Product(units).Magnitude();
    }

    /// <summary>The output with one unit's values set to 0.</summary>
    /// <example><code>Tensor without = UnitOutputs.Without(ones(2, 8), 3);</code></example>
    public static Tensor Without(Tensor output, long unit)
    {
        Tensor copy = output.clone();
        copy.select(Axis(output), unit).zero_();
        return copy;
    }

    /// <summary>The output with the values of all units but some set to 0.</summary>
    /// <example><code>Tensor only = UnitOutputs.Only(ones(2, 3), [true, false, true]);</code></example>
    public static Tensor Only(Tensor output, bool[] units)
    {
        long[] shape = new long[output.dim()];
        Array.Fill(shape, 1);
        shape[Axis(output)] = units.Length;
        return output * tensor(units, device: output.device).to_type(output.dtype).view(shape);
    }

    private static int Axis(Tensor output) => output.dim() == SequenceDimensions ? 2 : 1;

    private static Tensor Mean(Tensor output) =>
        output.dim() <= 2 ? output : output.mean([.. Enumerable.Range(1, (int)output.dim() - 1).Where(d => d != Axis(output)).Select(d => (long)d)]);
}
