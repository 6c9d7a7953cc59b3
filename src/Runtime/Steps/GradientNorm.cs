using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The Euclidean norm of the gradients of all parameters together, as if they were one vector.</summary>
internal static class GradientNorm
{
    /// <summary>
    /// Scales all gradients by one factor so that their norm is <paramref name="most"/>, where it is greater. A parameter without a gradient
    /// counts as zero, and so do the rows that a gradient of modules in use does not have. Of modules that live on ranks, those of all ranks count.
    /// </summary>
    internal static void Clip(IEnumerable<Parameter> parameters, double most, SpreadPools spread)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        // There may be several objects for one parameter.
        Parameter[] distinct = [.. parameters.DistinctBy(p => p.Handle)];
        Tensor[] gradients = [.. distinct.Select(p => p.grad).OfType<Tensor>()];
        Tensor[] values = [.. distinct.Where(p => !spread.Hold(p)).Select(p => p.grad).OfType<Tensor>().Select(g => g.is_sparse ? g.SummedRows().Values : g)];
        if (values.Length > 0 && !spread.Any && Accelerator.Holds(values[0]))
        {
            // The norm stays where it is; in double precision, where the squares of float32 numbers do not overflow.
            Tensor there = Operators.Stack([.. values.Select(v => v.to_type(ScalarType.Float64).norm())], 0).norm();
            Tensor share = (there.reciprocal() * most).clamp(max: 1);
            foreach (Tensor gradient in gradients)
            {
                (gradient.is_sparse ? gradient.SparseValues : gradient).mul_(share.to_type(gradient.dtype));
            }

            return;
        }

        double norm = 0;
        if (values.Length > 0)
        {
            norm = Norm(values, values[0].dtype);
            if (!double.IsFinite(norm))
            {
                // All numbers are finite, so it is their squares that are not, in a type of few bits.
                norm = Norm(values, ScalarType.Float64);
            }
        }

        if (spread.Any)
        {
            norm = Norm([tensor(norm), .. distinct.Where(spread.Hold).Select(p => tensor(NormsOfModules(p, spread)))], ScalarType.Float64);
        }

        if (norm > most)
        {
            foreach (Tensor gradient in gradients)
            {
                (gradient.is_sparse ? gradient.SparseValues : gradient).mul_(most / norm);
            }
        }
    }

    // The norm of each module's gradient, of all ranks, in the order of modules.
    private static double[] NormsOfModules(Parameter parameter, SpreadPools spread)
    {
        var own = new double[parameter.shape[0]];
        if (parameter.grad is Tensor gradient)
        {
            Tensor values = gradient.is_sparse ? gradient.SparseValues : gradient;
            long[]? rows = gradient.is_sparse ? TensorArrays.Vector<long>(gradient.SparseIndices.select(0, 0)) : null;
            for (int i = 0; i < values.shape[0]; i++)
            {
                own[rows?[i] ?? i] = values[i].to_type(ScalarType.Float64).norm().ToDouble();
            }
        }

        return [.. spread.Ranks.Gather(MemoryMarshal.AsBytes<double>(own)).SelectMany(said => MemoryMarshal.Cast<byte, double>(said).ToArray())];
    }

    // One number is fetched from the device.
    private static double Norm(Tensor[] values, ScalarType type) =>
        Operators.Stack([.. values.Select(v => v.to_type(type).norm())], 0).to_type(ScalarType.Float64).norm().ToDouble();
}
