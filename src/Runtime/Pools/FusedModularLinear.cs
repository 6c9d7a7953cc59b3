using ModNet.Kernels;
using TorchSharp;
using static ModNet.Runtime.TensorSpans;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Runs the chosen modules of a linear pool by our own kernel, for float32 on the CPU, joined to autograd. The other dispatches, which use
/// libtorch's operators, are its oracles and serve all other dtypes and devices.
/// </summary>
internal static class FusedModularLinear
{
    /// <summary>Whether the kernel takes this pool and rows x [B, in].</summary>
    internal static bool Takes(LinearPool pool, Tensor x) =>
        // A gradient of all modules has to be within a span's reach; where they are tracked, it has rows for those in use alone.
        pool.Precision == Precision.Weights && (pool.Weight.numel() <= TensorSpans.Reach || pool.InUse is not null || !is_grad_enabled()) && Takes(pool.Weight, x);

    /// <summary>The same of the stacked weights [M, out, in] of a pool.</summary>
    internal static bool Takes(Tensor weight, Tensor x) =>
        x.dtype == ScalarType.Float32
        && !Accelerator.Holds(x)
        && weight.dtype == ScalarType.Float32
        && !Accelerator.Holds(weight)
        && weight.is_contiguous();

    /// <summary>x [B, in], indices [B, K] → [B, K, out], with gradient in x, weight and bias where gradients are enabled.</summary>
    internal static Tensor Run(LinearPool pool, Tensor x, Tensor indices)
    {
        bool relu = pool.Activation == Activation.Relu;
        var size = new ModularLinearSize((int)x.shape[0], pool.Inputs, pool.Outputs, pool.Count, (int)indices.shape[1]) { Relu = relu };
        Tensor outputs = FusedModules.Run(new Kernel(size), x, indices, pool.Weight, pool.Bias, pool.InUse is not null, pool.Factors);
        return relu ? outputs : pool.Activation.Apply(outputs);
    }

    /// <summary>
    /// A map that chooses nothing, as the only module of a pool: x [n, in], weight [out, in], bias [out] → [n, out], with the same gradients.
    /// </summary>
    internal static Tensor Map(Tensor x, Tensor weight, Tensor bias)
    {
        var size = new ModularLinearSize((int)x.shape[0], (int)weight.shape[1], (int)weight.shape[0], 1, 1);
        Tensor indices = zeros(size.Rows, 1, dtype: ScalarType.Int64);
        return FusedModules.Run(new Kernel(size), x, indices, weight, bias, tracksUse: false).view(size.Rows, size.Outputs);
    }

    private sealed record Kernel(ModularLinearSize Size) : FusedKernel(Size.Modules, Size.Relu)
    {
        internal override Tensor Forward(Tensor x, Tensor indices, Tensor weight, Tensor? bias)
        {
            Tensor output = empty(Size.Rows, Size.Choose, Size.Outputs, dtype: ScalarType.Float32);
            ModularLinear.Forward(
                Size, Floats(x), Longs(indices), Pinned(weight), Pinned(bias), Floats(output), get_num_threads());
            return output;
        }

        internal override void Backward(
            Tensor x, Tensor indices, Tensor weight, Tensor? output, Tensor upstream, Tensor? xGradient, Tensor? weightGradient, Tensor? biasGradient) =>
            ModularLinear.Backward(
                Size,
                Floats(x),
                Longs(indices),
                Pinned(weight),
                Floats(output),
                Floats(upstream),
                Floats(xGradient),
                Floats(weightGradient),
                Floats(biasGradient),
                get_num_threads());

        internal override LinearFactors Factors(Tensor x, Tensor indices, Tensor? output, Tensor upstream) =>
            new() { Size = Size, X = Floats(x), Indices = Longs(indices), Output = Floats(output), Upstream = Floats(upstream) };
    }
}
