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
        Tensor outputs = is_grad_enabled()
            ? Function.apply(x, indices, pool.Weight, pool.Bias!, size, pool.InUse is not null)
            : Forward(size, x.contiguous(), indices.contiguous(), pool.Weight, pool.Bias);
        return relu ? outputs : pool.Activation.Apply(outputs);
    }

    private static Tensor Forward(in ModularConvolutionSize size, Tensor x, Tensor indices, Tensor weight, Tensor? bias)
    {
        Tensor output = empty(
            [(long)size.Times * size.Rows, size.Choose, size.Outputs, size.OutputHeight, size.OutputWidth], dtype: ScalarType.Float32);
        ModularConvolution.Forward(
            size, Floats(x), Longs(indices), Floats(weight), Floats(bias), Floats(output), get_num_threads());
        return output;
    }

    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(FusedModularConvolution);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (given, weight, bias) = ((Tensor)vars[0], (Tensor)vars[2], (Tensor?)vars[3]);
            Tensor x = given.contiguous(), indices = ((Tensor)vars[1]).contiguous();
            var size = (ModularConvolutionSize)vars[4];
            Tensor output = Forward(size, x, indices, weight, bias);
            ctx.save_data("size", size);
            ctx.save_data("bias", bias?.shape!);
            ctx.save_data("rows", vars[5]);
            ctx.save_data("x", given.requires_grad);
            ctx.save_for_backward(size.Relu ? [x, indices, weight, output] : [x, indices, weight]);
            return output;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            List<Tensor> saved = ctx.get_saved_variables();
            var size = (ModularConvolutionSize)ctx.get_data("size")!;
            Tensor? xGradient = (bool)ctx.get_data("x")! ? empty_like(saved[0]) : null;
            // Where the pool tracks its modules in use, the gradient has rows for those alone.
            long[]? used = (bool)ctx.get_data("rows")! ? ModularLinear.InUse(Longs(saved[1]), size.Modules) : null;
            Tensor Rows(long[] all) => empty(used is null ? all : [used.Length, .. all[1..]], dtype: ScalarType.Float32);
            Tensor weightGradient = Rows(saved[2].shape);
            Tensor? biasGradient = ctx.get_data("bias") is long[] shape ? Rows(shape) : null;
            ModularConvolution.Backward(
                size,
                Floats(saved[0]),
                Longs(saved[1]),
                Floats(saved[2]),
                size.Relu ? Floats(saved[3]) : default,
                Floats(grad_output.contiguous()),
                Floats(xGradient),
                Floats(weightGradient),
                Floats(biasGradient),
                get_num_threads());
            Tensor? At(Tensor? values) =>
                used is null || values is null ? values : RowSelection.Gradient(tensor(used), values, size.Modules);
            return [xGradient!, null!, At(weightGradient)!, At(biasGradient)!, null!, null!];
        }
    }
}
