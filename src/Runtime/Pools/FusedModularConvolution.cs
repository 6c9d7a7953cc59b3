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
    internal static bool Takes(ConvPool pool, Tensor x) =>
        pool.Precision == Precision.Weights && FusedModularLinear.Takes(pool.Weight, x) && x.dim() == 4;

    /// <summary>
    /// x [B, in, H, W], indices [times·B, K] → [times·B, K, out, H', W'], with gradient in x, weight and bias where gradients are enabled. The
    /// first selections of all images come first.
    /// </summary>
    internal static Tensor Run(ConvPool pool, Tensor x, Tensor indices, int times = 1)
    {
        ModularConvolutionSize size = Size(pool, x, x.shape[0], indices, times);
        Tensor outputs = FusedModules.Run(new Kernel(size), x, indices, pool.Weight, pool.Bias, pool.InUse is not null);
        return size.Relu ? outputs : pool.Activation.Apply(outputs);
    }

    /// <summary>
    /// The distinct rows of an E-step's candidates, without gradient: x [d, in, H, W] of images that were the same before the choice, indices [c·n, K] of all → [d', K, out, H', W'] of those
    /// that are the same after it. Images are read where they lie, and no output is written that is not wanted.
    /// </summary>
    internal static Tensor RunApart(ConvPool pool, Tensor x, Tensor indices, DistinctRows before, DistinctRows after)
    {
        // Before any choice, an image is laid out once for all its candidates.
        int times = before.Unchosen ? before.Candidates : 1;
        int[] sources = before.Unchosen ? [] : after.SourcesIn(before), targets = before.Unchosen ? after.Targets() : [];
        Tensor chosen = (before.Unchosen ? indices : after.Pick(indices)).contiguous(), images = x.contiguous();
        ModularConvolutionSize size = Size(pool, x, before.Unchosen ? x.shape[0] : after.Count, chosen, times);
        Tensor output = empty([after.Count, size.Choose, size.Outputs, size.OutputHeight, size.OutputWidth], dtype: ScalarType.Float32);
        ModularConvolution.ForwardSome(
            size, Floats(images), sources, Longs(chosen), targets, Floats(pool.Weight), Floats(pool.Bias), Floats(output), get_num_threads());
        return size.Relu ? output : pool.Activation.Apply(output);
    }

    private static ModularConvolutionSize Size(ConvPool pool, Tensor x, long images, Tensor indices, int times)
    {
        Convolution form = pool.Convolution;
        return new(
            (int)images,
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
            Relu = pool.Activation == Activation.Relu,
            Times = times,
        };
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
