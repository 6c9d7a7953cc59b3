using ModNet.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>A kernel that runs the chosen of M stacked modules, with its sizes: what <see cref="FusedModules"/> joins to autograd.</summary>
/// <param name="Modules">M.</param>
/// <param name="Relu">Whether each module ends in a ReLU, which the gradient reads from the outputs.</param>
internal abstract record FusedKernel(int Modules, bool Relu)
{
    /// <summary>The chosen modules' outputs. All tensors are contiguous.</summary>
    internal abstract Tensor Forward(Tensor x, Tensor indices, Tensor weight, Tensor? bias);

    /// <summary>
    /// Writes the gradients that are not null, from <paramref name="upstream"/>, that in the outputs; <paramref name="output"/> is null without a ReLU.
    /// </summary>
    internal abstract void Backward(
        Tensor x, Tensor indices, Tensor weight, Tensor? output, Tensor upstream, Tensor? xGradient, Tensor weightGradient, Tensor? biasGradient);
}

/// <summary>Joins a kernel over stacked modules, weight [M, …] and bias [M, out], to autograd.</summary>
internal static class FusedModules
{
    /// <summary>
    /// The chosen modules' outputs, with gradient in x, weight and bias where gradients are enabled. Where the pool tracks its modules in use
    /// (<paramref name="tracksUse"/>), the gradients of weight and bias have rows for those alone.
    /// </summary>
    internal static Tensor Run(FusedKernel kernel, Tensor x, Tensor indices, Tensor weight, Tensor? bias, bool tracksUse) => is_grad_enabled()
        ? Function.apply(x, indices, weight, bias!, kernel, tracksUse)
        : kernel.Forward(x.contiguous(), indices.contiguous(), weight, bias);

    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(FusedModules);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (given, weight, bias) = ((Tensor)vars[0], (Tensor)vars[2], (Tensor?)vars[3]);
            Tensor x = given.contiguous(), indices = ((Tensor)vars[1]).contiguous();
            var kernel = (FusedKernel)vars[4];
            Tensor output = kernel.Forward(x, indices, weight, bias);
            ctx.save_data("kernel", kernel);
            ctx.save_data("bias", bias?.shape!);
            ctx.save_data("rows", vars[5]);
            ctx.save_data("x", given.requires_grad);
            ctx.save_for_backward(kernel.Relu ? [x, indices, weight, output] : [x, indices, weight]);
            return output;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            List<Tensor> saved = ctx.get_saved_variables();
            var kernel = (FusedKernel)ctx.get_data("kernel")!;
            Tensor? xGradient = (bool)ctx.get_data("x")! ? empty_like(saved[0]) : null;
            long[]? used = (bool)ctx.get_data("rows")! ? ModularLinear.InUse(TensorSpans.Longs(saved[1]), kernel.Modules) : null;
            Tensor Rows(long[] all) => empty(used is null ? all : [used.Length, .. all[1..]], dtype: ScalarType.Float32);
            Tensor weightGradient = Rows(saved[2].shape);
            Tensor? biasGradient = ctx.get_data("bias") is long[] shape ? Rows(shape) : null;
            kernel.Backward(
                saved[0], saved[1], saved[2], kernel.Relu ? saved[3] : null, grad_output.contiguous(), xGradient, weightGradient, biasGradient);
            Tensor? At(Tensor? values) =>
                used is null || values is null ? values : RowSelection.Gradient(tensor(used), values, kernel.Modules);
            return [xGradient!, null!, At(weightGradient)!, At(biasGradient)!, null!, null!];
        }
    }
}
