using ModNet.Kernels;
using TorchSharp;
using static ModNet.Runtime.TensorSpans;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The softmax head by our own kernel, for float32 on the CPU. It never stores the logits. libtorch's operators are its oracle, and
/// serve all other dtypes and devices.
/// </summary>
internal static class FusedCrossEntropy
{
    /// <summary>Whether the kernel takes these tensors.</summary>
    internal static bool Takes(Tensor rows) => rows.dtype == ScalarType.Float32 && !Accelerator.Holds(rows);

    /// <summary>log p(target_n | row_n) without gradient: rows [N, H], targets [N] → [N].</summary>
    internal static Tensor Score(Tensor rows, Tensor weight, Tensor bias, Tensor targets)
    {
        using var scope = NewDisposeScope();
        Tensor scores = empty(rows.shape[0], dtype: ScalarType.Float32);
        HeadInputs inputs = new(Floats(rows.contiguous()), Floats(weight), Floats(bias), Longs(targets.contiguous()));
        LinearCrossEntropy.Score(inputs, Floats(scores), get_num_threads());
        return scores.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Σ_n log p(target_n | row_n) / datapoints → scalar, with gradient in rows, weight and bias. The summands are written to
    /// <paramref name="scores"/> [N], without gradient.
    /// </summary>
    internal static Tensor Mean(
        Tensor rows, Tensor weight, Tensor bias, Tensor targets, long datapoints, Tensor scores) =>
        MeanFunction.apply(rows, weight, bias, targets, datapoints, new Summands(scores));

    /// <summary>log p(target_n | row_n) with gradient: rows [N, H], targets [N] → [N]. The backward pass makes the logits again.</summary>
    internal static Tensor PerRow(Tensor rows, Tensor weight, Tensor bias, Tensor targets) =>
        PerRowFunction.apply(rows, weight, bias, targets);

    // Hides the tensor from autograd, which would take it for an input of the function.
    private sealed record Summands(Tensor Scores);

    private sealed class PerRowFunction : autograd.SingleTensorFunction<PerRowFunction>
    {
        public override string Name => nameof(FusedCrossEntropy);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (rows, weight, bias, targets) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (Tensor)vars[3]);
            Tensor plain = rows.contiguous(), classes = targets.contiguous();
            Tensor scores = empty(classes.numel(), dtype: ScalarType.Float32), logSumExp = empty_like(scores);
            HeadInputs inputs = new(Floats(plain), Floats(weight), Floats(bias), Longs(classes));
            LinearCrossEntropy.Forward(inputs, Floats(scores), Floats(logSumExp), get_num_threads());
            ctx.save_for_backward([plain, weight, bias, classes, logSumExp]);
            return scores;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            List<Tensor> saved = ctx.get_saved_variables();
            Tensor rowGradient = empty_like(saved[0]), weightGradient = empty_like(saved[1]), biasGradient = empty_like(saved[2]);
            LinearCrossEntropy.Backward(
                new(Floats(saved[0]), Floats(saved[1]), Floats(saved[2]), Longs(saved[3])),
                Floats(saved[4]),
                Floats(grad_output.contiguous()),
                new() { H = Floats(rowGradient), Weight = Floats(weightGradient), Bias = Floats(biasGradient) },
                get_num_threads());
            return [rowGradient, weightGradient, biasGradient, null!];
        }
    }

    /// <summary>The loss is linear in the gradient from above, so the forward pass already makes the gradients.</summary>
    private sealed class MeanFunction : autograd.SingleTensorFunction<MeanFunction>
    {
        public override string Name => nameof(FusedCrossEntropy);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (rows, weight, bias, targets) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (Tensor)vars[3]);
            long datapoints = (long)vars[4];
            Tensor scores = ((Summands)vars[5]).Scores;
            // The gradient of rows that do not lie one after the other would not, either.
            Tensor plain = rows.contiguous(), rowGradient = empty_like(plain), weightGradient = empty_like(weight), biasGradient = empty_like(bias);
            long count = targets.numel();
            double meanLoss = LinearCrossEntropy.MeanLossAndGradients(
                new(Floats(plain), Floats(weight), Floats(bias), Longs(targets.contiguous())),
                Floats(scores),
                new() { H = Floats(rowGradient), Weight = Floats(weightGradient), Bias = Floats(biasGradient) },
                get_num_threads());

            // The kernel gives a loss averaged over rows; this is a likelihood averaged over datapoints of several rows each.
            double scale = -(double)count / datapoints;
            ctx.save_data("scale", scale);
            ctx.save_for_backward([rowGradient, weightGradient, biasGradient]);
            return tensor(meanLoss * scale, ScalarType.Float32);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            List<Tensor> saved = ctx.get_saved_variables();
            Tensor factor = grad_output * (double)ctx.get_data("scale")!;
            return [saved[0] * factor, saved[1] * factor, saved[2] * factor, null!, null!, null!];
        }
    }
}
