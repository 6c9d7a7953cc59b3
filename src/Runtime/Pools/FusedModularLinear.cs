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
        (pool.Weight.numel() <= TensorSpans.Reach || pool.InUse is not null || !is_grad_enabled()) && Takes(pool.Weight, x);

    /// <summary>The same of the stacked weights [M, out, in] of a pool.</summary>
    internal static bool Takes(Tensor weight, Tensor x) =>
        x.dtype == ScalarType.Float32
        && x.device_type == DeviceType.CPU
        && weight.dtype == ScalarType.Float32
        && weight.device_type == DeviceType.CPU
        && weight.is_contiguous();

    /// <summary>x [B, in], indices [B, K] → [B, K, out], with gradient in x, weight and bias where gradients are enabled.</summary>
    internal static Tensor Run(LinearPool pool, Tensor x, Tensor indices)
    {
        bool relu = pool.Activation == Activation.Relu;
        var size = new ModularLinearSize((int)x.shape[0], pool.Inputs, pool.Outputs, pool.Count, (int)indices.shape[1]) { Relu = relu };
        Tensor outputs = is_grad_enabled()
            ? Function.apply(x, indices, pool.Weight, pool.Bias!, size, pool.InUse is not null)
            : Forward(size, x.contiguous(), indices.contiguous(), pool.Weight, pool.Bias);
        return relu ? outputs : pool.Activation.Apply(outputs);
    }

    /// <summary>
    /// A map that chooses nothing, as the only module of a pool: x [n, in], weight [out, in], bias [out] → [n, out], with the same gradients.
    /// </summary>
    internal static Tensor Map(Tensor x, Tensor weight, Tensor bias)
    {
        var size = new ModularLinearSize((int)x.shape[0], (int)weight.shape[1], (int)weight.shape[0], 1, 1);
        Tensor indices = zeros(size.Rows, 1, dtype: ScalarType.Int64);
        Tensor outputs = is_grad_enabled()
            ? Function.apply(x, indices, weight, bias, size, false)
            : Forward(size, x.contiguous(), indices, weight, bias);
        return outputs.view(size.Rows, size.Outputs);
    }

    private static Tensor Forward(in ModularLinearSize size, Tensor x, Tensor indices, Tensor weight, Tensor? bias)
    {
        Tensor output = empty(size.Rows, size.Choose, size.Outputs, dtype: ScalarType.Float32);
        ModularLinear.Forward(
            size, Floats(x), Longs(indices), Pinned(weight), Pinned(bias), Floats(output), get_num_threads());
        return output;
    }

    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(FusedModularLinear);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (given, weight, bias) = ((Tensor)vars[0], (Tensor)vars[2], (Tensor?)vars[3]);
            Tensor x = given.contiguous(), indices = ((Tensor)vars[1]).contiguous();
            var size = (ModularLinearSize)vars[4];
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
            var size = (ModularLinearSize)ctx.get_data("size")!;
            Tensor? xGradient = (bool)ctx.get_data("x")! ? empty_like(saved[0]) : null;
            // Where the pool tracks its modules in use, the gradient has rows for those alone.
            long[]? used = (bool)ctx.get_data("rows")! ? ModularLinear.InUse(Longs(saved[1]), size.Modules) : null;
            Tensor Rows(long[] all) => empty(used is null ? all : [used.Length, .. all[1..]], dtype: ScalarType.Float32);
            Tensor weightGradient = Rows(saved[2].shape);
            Tensor? biasGradient = ctx.get_data("bias") is long[] shape ? Rows(shape) : null;
            ModularLinear.Backward(
                size,
                Floats(saved[0]),
                Longs(saved[1]),
                Pinned(saved[2]),
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
