using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Shazeer et al. 2017, Eqs. 3–5: the k modules of highest H(x), weighted by a softmax over those k.
/// </summary>
/// <param name="k">Modules per row, at most M.</param>
/// <param name="noise">What H's noise is drawn from; null leaves it out, as in evaluation.</param>
/// <param name="balanced">Whether to keep what the balance losses are made of, for a selector with noise.</param>
public sealed class NoisyTopKSelector(int k, Generator? noise = null, bool balanced = false) : Selector
{
    // exp(−40² / 2) is zero in double precision.
    private const double Certain = 40;

    /// <summary>What the sites passed so far say of balance.</summary>
    public GateBalance Balance { get; } = new();

    /// <summary>Indices and weights [B, k]. UserException unless the site's K is 1 and k ≤ M.</summary>
    public override Selection Select(Site site, ChoiceDistribution distribution)
    {
        Check(site);
        // Logits less a constant per row, which neither the order of H nor a softmax over some of it sees.
        Tensor logits = distribution.LogProbabilities.squeeze(1);
        Tensor? scale = noise is null ? null : distribution.NoiseScale?.squeeze(1);
        Tensor h = scale is null ? logits : logits + Normal(logits, noise!) * scale;
        (Tensor top, Tensor indices) = h.topk(k, -1);
        Tensor weights = nn.functional.softmax(top, -1);
        if (balanced && scale is not null)
        {
            Tensor gates = zeros_like(logits).scatter(1, indices, weights);
            Balance.Add(site.Layer, gates, Loads(logits, h, scale, indices));
        }

        return new(indices, weights);
    }

    /// <inheritdoc/>
    public override int Runs(int choose) => k;

    /// <summary>Site by site where the balance losses are to be had of it. UserException as <see cref="Select"/>.</summary>
    public override WindowChoice? Ahead(Site first, int steps, long rows, Device device)
    {
        Check(first);
        return balanced && noise is not null ? null : new(Gate: new(k, noise));
    }

    /// <summary>
    /// P(x, i) (their Eq. 9): how probable it is that module i is among the k, were its own noise drawn anew and the others' kept.
    /// [B, M]; 1 where all modules run.
    /// </summary>
    private Tensor Loads(Tensor logits, Tensor h, Tensor scale, Tensor indices)
    {
        if (k == (int)h.shape[1])
        {
            return ones_like(h);
        }

        // The k-th highest of the others: of those among the k that is the (k+1)-th of all, of the rest the k-th.
        Tensor highest = h.topk(k + 1, -1).values;
        Tensor chosen = zeros_like(h).scatter(1, indices, ones_like(h)).gt(0);
        Tensor threshold = where(chosen, highest.narrow(1, k, 1), highest.narrow(1, k - 1, 1));
        Tensor gap = logits - threshold;
        // So many deviations away a probability is 0 or 1 in any precision, and its slope zero. Where training brought the scale next
        // to nothing, the quotient's slope is beyond all numbers, and zero times that is none.
        Tensor certain = gap.detach().abs().ge(scale.detach() * Certain);
        Tensor quotient = gap / (where(certain, ones_like(scale), scale) * Math.Sqrt(2));
        return 0.5 * (1 + where(certain, gap.detach().sign() * Certain, quotient).erf());
    }

    private void Check(Site site)
    {
        if (site.Choose != 1)
        {
            throw new UserException(
                $"{site.Layer}/choose",
                $"K = 1 under noisy top-k, whose own k says how many modules run",
                $"K = {site.Choose}",
                "choose 1");
        }

        if (k < 1 || k > site.Modules)
        {
            throw new UserException(
                $"{site.Layer}", $"1 ≤ k ≤ M = {site.Modules} under noisy top-k", $"k = {k}", "run fewer modules, or give the pool more");
        }
    }

    // Drawn on the CPU, where the run's streams live.
    private static Tensor Normal(Tensor like, Generator noise) =>
        empty(like.shape, like.dtype, CPU).normal_(0, 1, noise).to(like.device);
}
