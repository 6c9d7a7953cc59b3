using ModNet.Kernels;
using TorchSharp;
using static ModNet.Runtime.TensorSpans;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Runs the chosen modules of a pool of convolutions by our own kernel, for float32 on the CPU, joined to autograd. The other dispatches, which
/// use libtorch's operators, are its oracles and serve all other dtypes and devices.
/// </summary>
internal static class FusedModularConvolution
{
    /// <summary>Whether the kernel takes this pool and images x [B, in, H, W].</summary>
    internal static bool Takes(ConvPool pool, Tensor x) => FusedModularLinear.Takes(pool.Weight, x) && x.dim() == 4;

    /// <summary>
    /// x [B, in, H, W], indices [times·B, K] → [times·B, K, out, H', W'], with gradient in x, weight and bias where gradients are enabled. The
    /// first selections of all images come first.
    /// </summary>
    internal static Tensor Run(ConvPool pool, Tensor x, Tensor indices, int times = 1)
    {
        bool relu = pool.Activation == Activation.Relu;
        Convolution form = pool.Convolution;
        var size = new ModularConvolutionSize(
            (int)x.shape[0],
            (int)x.shape[1],
            (int)x.shape[2],
            (int)x.shape[3],
            form.Channels,
            form.Kernel,
            form.Stride,
            form.Padding,
            pool.Count,
            (int)indices.shape[1])
        {
            Relu = relu,
            Times = times,
        };
        Tensor outputs = FusedModules.Run(new Kernel(size), x, indices, pool.Weight, pool.Bias, pool.InUse is not null);
        return relu ? outputs : pool.Activation.Apply(outputs);
    }

    private sealed record Kernel(ModularConvolutionSize Size) : FusedKernel(Size.Modules, Size.Relu)
    {
        internal override Tensor Forward(Tensor x, Tensor indices, Tensor weight, Tensor? bias)
        {
            Tensor output = empty(
                [(long)Size.Times * Size.Rows, Size.Choose, Size.Outputs, Size.OutputHeight, Size.OutputWidth], dtype: ScalarType.Float32);
            ModularConvolution.Forward(
                Size, Floats(x), Longs(indices), Floats(weight), Floats(bias), Floats(output), get_num_threads());
            return output;
        }

        internal override void Backward(
            Tensor x, Tensor indices, Tensor weight, Tensor? output, Tensor upstream, Tensor? xGradient, Tensor? weightGradient, Tensor? biasGradient) =>
            ModularConvolution.Backward(
                Size,
                Floats(x),
                Longs(indices),
                Floats(weight),
                Floats(output),
                Floats(upstream),
                Floats(xGradient),
                Floats(weightGradient),
                Floats(biasGradient),
                get_num_threads());
    }
}
