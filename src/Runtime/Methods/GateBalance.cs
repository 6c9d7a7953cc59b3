using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// How evenly gates use modules (Shazeer et al. 2017, section 4 and appendix A). A layer's sites over time are rows of one
/// batch; losses add up over layers.
/// </summary>
public sealed class GateBalance
{
    private readonly List<(string Layer, Tensor Gates, Tensor Loads)> _sites = [];

    /// <summary>Σ_layers CV(Importance)², Importance_i = Σ_x G(x)_i (their Eqs. 6 and 7): a scalar.</summary>
    public Tensor ImportanceLoss() => OverLayers(s => s.Gates);

    /// <summary>Σ_layers CV(Load)², Load_i = Σ_x P(x, i) (their Eqs. 8–11): a scalar.</summary>
    public Tensor LoadLoss() => OverLayers(s => s.Loads);

    /// <summary>One site's gates G(x) and probabilities P(x, i), both [B, M].</summary>
    internal void Add(string layer, Tensor gates, Tensor loads) => _sites.Add((layer, gates, loads));

    private Tensor OverLayers(Func<(string Layer, Tensor Gates, Tensor Loads), Tensor> part) =>
        _sites.GroupBy(s => s.Layer, StringComparer.Ordinal)
            .Select(layer => Variation(cat([.. layer.Select(part)], 0).sum(dim: 0)))
            .Aggregate((a, b) => a + b);

    // CV²: the variance of [M] numbers over their squared mean.
    private static Tensor Variation(Tensor perModule)
    {
        Tensor mean = perModule.mean();
        return (perModule - mean).pow(2).mean() / mean.pow(2);
    }
}
