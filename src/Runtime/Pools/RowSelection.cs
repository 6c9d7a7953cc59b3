using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Selects rows of a parameter [M, …] so that its gradient has those rows alone: a sparse tensor with one sparse dimension.</summary>
internal static class RowSelection
{
    /// <summary>The rows [U] int64, each named once, of a parameter [M, …] → [U, …].</summary>
    internal static Tensor Of(Tensor parameter, Tensor rows) =>
        is_grad_enabled() ? Function.apply(parameter, rows) : parameter.IndexSelect(0, rows);

    /// <summary>Makes a sparse gradient of a parameter of M = <paramref name="count"/> rows from the values [U, …] of rows [U].</summary>
    internal static Tensor Gradient(Tensor rows, Tensor values, long count) =>
        sparse_coo_tensor(rows.unsqueeze(0), values, [count, .. values.shape[1..]]);

    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(RowSelection);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (parameter, rows) = ((Tensor)vars[0], (Tensor)vars[1]);
            ctx.save_data("count", parameter.shape[0]);
            ctx.save_for_backward([rows]);
            return parameter.IndexSelect(0, rows);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) =>
            [Gradient(ctx.get_saved_variables()[0], grad_output, (long)ctx.get_data("count")!), null!];
    }
}
