using ModNet.Kernels;
using static ModNet.Runtime.TensorSpans;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Linear maps z = W_m x + b_m of rows that come from several ranks, and their gradients: by our own kernel where it takes them, else by libtorch's operators. What a row
/// gives does not depend on the rows that other ranks send.
/// </summary>
internal static class SpreadLinear
{
    /// <summary>x [n, in], of which <paramref name="blocks"/>[r] rows come from rank r, and the module of each, [n] → [n, out].</summary>
    internal static Tensor Forward(Tensor x, long[] modules, int[] blocks, Tensor weight, Tensor? bias)
    {
        if (!FusedModularLinear.Takes(weight, x))
        {
            return PerModule(x, modules, blocks, weight.shape[1], (rows, module) => Products.Linear(rows, weight[module], bias?[module]));
        }

        Tensor rows = x.contiguous(), z = empty(x.shape[0], weight.shape[1], dtype: x.dtype);
        ModularLinear.Forward(Size(x, weight), Floats(rows), modules, Pinned(weight), Pinned(bias), Floats(z), get_num_threads());
        return z;
    }

    /// <summary>The gradient in x [n, in] from that in z [n, out].</summary>
    internal static Tensor InputGradient(Tensor x, Tensor upstream, long[] modules, int[] blocks, Tensor weight)
    {
        if (!FusedModularLinear.Takes(weight, x))
        {
            return PerModule(upstream, modules, blocks, weight.shape[2], (rows, module) => rows.Product(weight[module]));
        }

        Tensor rows = x.contiguous(), gradients = upstream.contiguous(), result = empty(x.shape, dtype: x.dtype);
        ModularLinear.Backward(
            Size(x, weight), Floats(rows), modules, Pinned(weight), default, Floats(gradients), Floats(result), default, default, get_num_threads());
        return result;
    }

    /// <summary>
    /// The gradients in weight and bias, from all rows x [n, in] and their gradients in z [n, out]: [U, out, in] and [U, out] for the <paramref name="modules"/> in use, ascending, or,
    /// if not <paramref name="inUse"/>, for all.
    /// </summary>
    internal static (long[] Rows, Tensor Weight, Tensor? Bias) Gradients(
        Tensor x, Tensor upstream, long[] modules, Tensor weight, Tensor? bias, bool inUse)
    {
        int count = (int)weight.shape[0];
        long[] used = inUse ? ModularLinear.InUse(modules, count) : [.. Enumerable.Range(0, count).Select(m => (long)m)];
        Tensor ofWeight = zeros([used.Length, .. weight.shape[1..]], weight.dtype, weight.device);
        Tensor? ofBias = bias is null ? null : zeros([used.Length, .. bias.shape[1..]], bias.dtype, bias.device);
        if (FusedModularLinear.Takes(weight, x) && ofWeight.numel() <= Reach)
        {
            Tensor rows = x.contiguous(), gradients = upstream.contiguous();
            ModularLinear.Backward(
                Size(x, weight), Floats(rows), modules, Pinned(weight), default, Floats(gradients), default,
                Floats(ofWeight), Floats(ofBias), get_num_threads());
            return (used, ofWeight, ofBias);
        }

        foreach (IGrouping<long, long> rows in ByModule(modules, 0, modules.Length))
        {
            int u = Array.BinarySearch(used, rows.Key);
            Tensor own = tensor(rows.ToArray(), device: x.device);
            Tensor gradients = upstream.IndexSelect(0, own);
            ofWeight[u].copy_(gradients.t().Product(x.IndexSelect(0, own)));
            ofBias?[u].copy_(gradients.sum(dim: 0));
        }

        return (used, ofWeight, ofBias);
    }

    private static ModularLinearSize Size(Tensor x, Tensor weight) =>
        new((int)x.shape[0], (int)weight.shape[2], (int)weight.shape[1], (int)weight.shape[0], 1);

    private static Tensor PerModule(Tensor x, long[] modules, int[] blocks, long width, Func<Tensor, long, Tensor> run)
    {
        Tensor result = empty([x.shape[0], width], x.dtype, x.device);
        int start = 0;
        foreach (int block in blocks)
        {
            foreach (IGrouping<long, long> rows in ByModule(modules, start, block))
            {
                Tensor own = tensor(rows.ToArray(), device: x.device);
                result.CopyAt(0, own, run(x.IndexSelect(0, own), rows.Key));
            }

            start += block;
        }

        return result;
    }

    // The places of each module among some that follow each other.
    private static IEnumerable<IGrouping<long, long>> ByModule(long[] modules, int start, int count) =>
        Enumerable.Range(start, count).GroupBy(place => modules[place], place => (long)place).OrderBy(rows => rows.Key);
}
