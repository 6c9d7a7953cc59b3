using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace ModNet.TorchSharpPeer;

/// <summary>The softmax over words: features [N, H], weight [V, H], bias [V], targets [N].</summary>
internal static class PtbHead
{
    private static readonly long[] Parts = [32, 128, 512];

    /// <summary>Ways to Σ log p(target | feature) over rows, with gradient, the plainest first: all logits at once, or a few rows' at a time.</summary>
    internal static IReadOnlyDictionary<string, Func<Tensor, Tensor, Tensor, Tensor, Tensor>> Sums { get; } =
        Named("whole", Whole, [.. Parts.Select(rows => ($"parts-{rows}", InParts(rows)))]);

    /// <summary>Ways to log p(target | feature) of every row [N], without gradient; the last argument is the rows of a time step.</summary>
    internal static IReadOnlyDictionary<string, Func<Tensor, Tensor, Tensor, Tensor, long, Tensor>> Scores { get; } =
        Named(
            "steps",
            Scored,
            [
                .. Parts.Select(rows => ($"entropy-{rows}", At(rows, Scored))),
                .. Parts.Select(rows => ($"sum-{rows}", At(rows, ScoredBySum))),
            ]);

    private static Dictionary<string, T> Named<T>(string plainest, T first, (string Name, T Way)[] rest)
    {
        // A dictionary from which nothing is removed keeps the order in which it was filled.
        var all = new Dictionary<string, T> { [plainest] = first };
        foreach ((string name, T way) in rest)
        {
            all[name] = way;
        }

        return all;
    }

    private static Tensor Whole(Tensor features, Tensor weight, Tensor bias, Tensor targets) =>
        -cross_entropy(linear(features, weight, bias), targets, reduction: Reduction.Sum);

    private static Func<Tensor, Tensor, Tensor, Tensor, Tensor> InParts(long rows) =>
        (features, weight, bias, targets) => SummedInParts.apply(features, weight, bias, targets, rows);

    private static Func<Tensor, Tensor, Tensor, Tensor, long, Tensor> At(
        long rows, Func<Tensor, Tensor, Tensor, Tensor, long, Tensor> scored) =>
        (features, weight, bias, targets, _) => scored(features, weight, bias, targets, rows);

    private static Tensor Scored(Tensor features, Tensor weight, Tensor bias, Tensor targets, long rows)
    {
        Tensor scores = empty(features.shape[0]), transposed = weight.t();
        for (long at = 0; at < features.shape[0]; at += rows)
        {
            using var scope = NewDisposeScope();
            long length = Math.Min(rows, features.shape[0] - at);
            Tensor logits = bias.addmm(features.narrow(0, at, length), transposed);
            scores.narrow(0, at, length).copy_(
                cross_entropy(logits, targets.narrow(0, at, length), reduction: Reduction.None));
        }

        return scores.neg_();
    }

    // As logit less log Σ exp: the target's logit is a product of its own.
    private static Tensor ScoredBySum(Tensor features, Tensor weight, Tensor bias, Tensor targets, long rows)
    {
        Tensor picked = (features * weight.index_select(0, targets)).sum(1) + bias.index_select(0, targets);
        Tensor sums = empty(features.shape[0]), transposed = weight.t();
        for (long at = 0; at < features.shape[0]; at += rows)
        {
            using var scope = NewDisposeScope();
            long length = Math.Min(rows, features.shape[0] - at);
            sums.narrow(0, at, length).copy_(bias.addmm(features.narrow(0, at, length), transposed).logsumexp(1));
        }

        return picked.sub_(sums);
    }
}
