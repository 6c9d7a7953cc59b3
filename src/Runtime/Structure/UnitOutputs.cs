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
        return cat([.. outputs.Select(o => areSteps ? o.flatten(0, 1) : Mean(o))], 1).to_type(ScalarType.Float64);
    }

    /// <summary>
    /// The absolute value of Pearson's correlation between the columns of rows [N, units], [units, units]; 0 for a column that does not vary.
    /// </summary>
    /// <example><code>double[,] alike = UnitOutputs.Correlations(rows);</code></example>
    public static double[,] Correlations(Tensor rows)
    {
        using var scope = NewDisposeScope();
        Tensor values = rows.to_type(ScalarType.Float64);
        Tensor centred = values - values.mean([0], keepdim: true);
        Tensor norms = centred.square().sum(dim: 0).sqrt();
        // What rounding leaves of a column that does not vary is no variation.
        Tensor varies = norms > 1e-12 * values.square().sum(dim: 0).sqrt();
        Tensor units = where(varies, centred / norms, zeros_like(centred));
        return (double[,])TensorArrays.Of<double>(units.t().mm(units).abs().clamp_max(1));
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
