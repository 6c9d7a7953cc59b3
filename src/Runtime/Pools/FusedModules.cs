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
        Tensor x, Tensor indices, Tensor weight, Tensor? output, Tensor upstream, Tensor? xGradient, Tensor? weightGradient, Tensor? biasGradient);

    /// <summary>What the gradient in the weights is made of, for kernels of linear modules. Only their pools keep it.</summary>
    internal virtual LinearFactors Factors(Tensor x, Tensor indices, Tensor? output, Tensor upstream) =>
        throw new InvalidOperationException($"expected a kernel of linear modules, got {GetType().Name}");
}

/// <summary>Joins a kernel over stacked modules, weight [M, …] and bias [M, out], to autograd.</summary>
internal static class FusedModules
{
    /// <summary>
    /// The chosen modules' outputs, with gradient in x, weight and bias where gradients are enabled. Where the pool tracks its modules in use
    /// (<paramref name="tracksUse"/>), the gradients of weight and bias have rows for those alone. The gradient of weight is left to <paramref name="factors"/> where they take it.
    /// </summary>
    internal static Tensor Run(
        FusedKernel kernel, Tensor x, Tensor indices, Tensor weight, Tensor? bias, bool tracksUse, WeightFactors? factors = null) => is_grad_enabled()
        ? Function.apply(x, indices, weight, bias!, kernel, tracksUse, factors!)
        : kernel.Forward(x.contiguous(), indices.contiguous(), weight, bias);

    /// <summary>
    /// A gradient of a parameter of this shape, [M, …]: of all modules, or, where the pool tracks its modules in use, of rows for those alone. <paramref name="write"/> fills in its values.
    /// </summary>
    internal static Tensor Gradient(Tensor indices, long[] shape, bool tracksUse, Action<Tensor> write)
    {
        long[]? used = tracksUse ? ModularLinear.InUse(TensorSpans.Longs(indices), (int)shape[0]) : null;
        Tensor values = Rows(shape, used);
        write(values);
        return At(values, shape, used);
    }

    private static Tensor Rows(long[] shape, long[]? used) => empty(used is null ? shape : [used.Length, .. shape[1..]], dtype: ScalarType.Float32);

    private static Tensor At(Tensor values, long[] shape, long[]? used) => used is null ? values : RowSelection.Gradient(tensor(used), values, shape[0]);

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
            ctx.save_data("factors", vars[6]);
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
            WeightFactors? factors = ctx.get_data("factors") is WeightFactors { Takes: true } taking ? taking : null;
            Tensor? weightGradient = factors is null ? Rows(saved[2].shape, used) : null;
            long[]? bias = ctx.get_data("bias") as long[];
            Tensor? biasGradient = bias is null ? null : Rows(bias, used);
            Tensor? output = kernel.Relu ? saved[3] : null;
            Tensor upstream = grad_output.contiguous();
            kernel.Backward(saved[0], saved[1], saved[2], output, upstream, xGradient, weightGradient, biasGradient);
            factors?.Keep(kernel, saved[0], saved[1], output, upstream);
            return
            [
                xGradient!,
                null!,
                weightGradient is null ? null! : At(weightGradient, saved[2].shape, used),
                biasGradient is null ? null! : At(biasGradient, bias!, used),
                null!,
                null!,
                null!,
            ];
        }
    }
}
