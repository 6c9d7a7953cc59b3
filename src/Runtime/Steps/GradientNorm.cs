using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The Euclidean norm of the gradients of all parameters together, as if they were one vector.</summary>
internal static class GradientNorm
{
    /// <summary>
    /// Scales all gradients by one factor so that their norm is <paramref name="most"/>, where it is greater. A parameter without a gradient
    /// counts as zero, and so do the rows that a gradient of modules in use does not have.
    /// </summary>
    internal static void Clip(IEnumerable<Parameter> parameters, double most)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        // There may be several objects for one parameter.
        Tensor[] gradients = [.. parameters.DistinctBy(p => p.Handle).Select(p => p.grad).OfType<Tensor>()];
        if (gradients.Length == 0)
        {
            return;
        }

        Tensor[] values = [.. gradients.Select(g => g.is_sparse ? Rows(g) : g)];
        double norm = Norm(values, values[0].dtype);
        if (!double.IsFinite(norm))
        {
            // All numbers are finite, so it is their squares that are not, in a type of few bits.
            norm = Norm(values, ScalarType.Float64);
        }

        if (norm > most)
        {
            foreach (Tensor gradient in gradients)
            {
                (gradient.is_sparse ? gradient.SparseValues : gradient).mul_(most / norm);
            }
        }
    }

    // The rows that a sparse gradient has. Several sites may each have given a summand of a row, and the norm is that of their sum.
    private static Tensor Rows(Tensor gradient)
    {
        Tensor values = gradient.SparseValues;
        (Tensor rows, Tensor? places, _) = gradient.SparseIndices.select(0, 0).unique(return_inverse: true);
        return zeros([rows.shape[0], .. values.shape[1..]], values.dtype, values.device).index_add_(0, places!, values, 1);
    }

    // One number is fetched from the device.
    private static double Norm(Tensor[] values, ScalarType type) =>
        stack([.. values.Select(v => v.to_type(type).norm())], 0).to_type(ScalarType.Float64).norm().ToDouble();
}
