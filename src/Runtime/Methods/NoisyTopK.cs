using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The settings of noisy top-k.</summary>
/// <param name="K">k, the number of modules that run for every row.</param>
/// <param name="Importance">The weight of the importance loss (Shazeer et al. 2017, Eq. 7); 0 leaves it out.</param>
/// <param name="Load">The weight of the load loss (Shazeer et al. 2017, appendix A, Eq. 11); 0 leaves it out.</param>
public sealed record NoisyTopKSettings(int K = 4, double Importance = 0, double Load = 0)
{
    /// <summary>How gradient steps are taken.</summary>
    public GradientSettings Gradient { get; init; } = new();
}

/// <summary>
/// The noisy top-k mixture of experts (Shazeer et al. 2017). At every site the k modules of highest H(x) run, where H(x)_i = (controller's
/// logit)_i + N(0, 1) · softplus((x·W_noise)_i), and the gate, a softmax over those k, weights their outputs. The loss is −mean log p(y|x),
/// plus the balance losses where they are asked for. In evaluation there is no noise.
/// </summary>
/// <remarks>
/// The logits are those of the controllers, so they have a bias and begin as under other methods. The controllers also get the weights
/// W_noise, which begin at zero as in that paper. Every layer that chooses must combine by sum and choose 1.
/// </remarks>
public sealed class NoisyTopK : TrainingMethod
{
    /// <summary>
    /// Gives the controllers noise weights, and trains <paramref name="graph"/> (on <paramref name="device"/>) on <paramref name="data"/>
    /// (on the CPU). UserException where a controller has no place for them.
    /// </summary>
    public NoisyTopK(Graph graph, Dataset data, NoisyTopKSettings settings, RandomStreams streams, Device? device = null)
        : base(WithNoise(graph), data, settings.Gradient, streams, device) => Settings = settings;

    /// <summary>The settings in force.</summary>
    public NoisyTopKSettings Settings { get; }

    /// <summary>Takes the k modules of highest logit, weighted by the gate, without noise.</summary>
    public override Selector Evaluating => new NoisyTopKSelector(Settings.K);

    /// <inheritdoc/>
    protected override MinibatchLoss LossOf(long[] datapoints, Batch batch)
    {
        bool balanced = Settings.Importance != 0 || Settings.Load != 0;
        var gates = new NoisyTopKSelector(Settings.K, Streams.Noise, balanced, batch.Weights);
        GraphOutput output = Forward(batch, gates);
        Tensor logLikelihood = Graph.Head.MeanLogLikelihood(output.Features, batch.Targets, batch.Weights);
        Tensor loss = -Smoothed(logLikelihood, output, batch);
        if (balanced && Graph.HasSites)
        {
            loss = loss + Settings.Importance * gates.Balance.ImportanceLoss() + Settings.Load * gates.Balance.LoadLoss();
        }

        return new(Penalised(loss, output), logLikelihood, () => output);
    }

    private static Graph WithNoise(Graph graph)
    {
        AddNoise(graph);
        return graph;
    }

    /// <summary>Gives the graph's controllers the weights W_noise, which the checkpoints of this method hold.</summary>
    public static void AddNoise(Graph graph)
    {
        foreach (Controller controller in graph.Nodes.SelectMany(n => n.Controllers).Where(c => c.Latent))
        {
            controller.AddNoise();
        }
    }
}

/// <summary>Takes the k modules of highest H(x), weighted by a softmax over those k (Shazeer et al. 2017, Eqs. 3–5).</summary>
/// <param name="k">The number of modules per row, at most M.</param>
/// <param name="noise">The generator of H's noise; null leaves the noise out, as in evaluation.</param>
/// <param name="balanced">Whether to keep what the balance losses need. It needs noise.</param>
/// <param name="weights">How much each row counts in the balance losses, [B] float64; null where all count alike.</param>
public sealed class NoisyTopKSelector(int k, Generator? noise = null, bool balanced = false, Tensor? weights = null)
    : TopKSelector(k, "noisy top-k")
{
    // exp(−40² / 2) is zero in double precision.
    private const double Certain = 40;

    /// <summary>How evenly the sites passed so far use their modules.</summary>
    public GateBalance Balance { get; } = new();

    /// <summary>The chosen modules and their weights, both [B, k]. UserException unless the site's K is 1 and k ≤ M.</summary>
    public override Selection Select(Site site, ChoiceDistribution distribution)
    {
        Check(site);
        // These are the logits minus a constant per row, which changes neither the order of H nor a softmax over some of it.
        Tensor logits = distribution.LogProbabilities.squeeze(1);
        Tensor? scale = noise is null ? null : distribution.NoiseScale?.squeeze(1);
        Tensor h = scale is null ? logits : logits + Normal(logits, noise!) * scale;
        (Tensor top, Tensor indices) = h.topk(K, -1);
        Tensor gate = nn.functional.softmax(top, -1);
        if (balanced && scale is not null)
        {
            Tensor gates = zeros_like(logits).Scatter(1, indices, gate);
            Balance.Add(site.Layer, Weighted(gates), Weighted(Loads(logits, h, scale, indices)));
        }

        return new(indices, gate);
    }

    /// <summary>Null where balance losses are asked for, which need site by site. UserException as in <see cref="Select"/>.</summary>
    public override WindowChoice? Ahead(Site first, int steps, long rows, Device device)
    {
        Check(first);
        return balanced && noise is not null ? null : new(Gate: new(K, noise));
    }

    /// <summary>
    /// P(x, i) [B, M] (their Eq. 9): the probability that module i is among the k if its own noise is drawn anew and the others' is kept.
    /// It is 1 where all modules run.
    /// </summary>
    private Tensor Loads(Tensor logits, Tensor h, Tensor scale, Tensor indices)
    {
        if (K == (int)h.shape[1])
        {
            return ones_like(h);
        }

        // The k-th highest H of the other modules: for a module among the k it is the (k+1)-th of all, for the rest the k-th.
        Tensor highest = h.topk(K + 1, -1).values;
        Tensor chosen = zeros_like(h).Scatter(1, indices, ones_like(h)).gt(0);
        Tensor threshold = Operators.Where(chosen, highest.narrow(1, K, 1), highest.narrow(1, K - 1, 1));
        Tensor gap = logits - threshold;
        // So many deviations away, a probability is 0 or 1 in any precision and its slope is 0. Where training has brought the scale close
        // to 0, the slope of the quotient would be infinite, and 0 times infinity is NaN.
        Tensor certain = gap.detach().Magnitude().ge(scale.detach() * Certain);
        Tensor quotient = gap / (Operators.Where(certain, ones_like(scale), scale) * Math.Sqrt(2));
        return 0.5 * (1 + Operators.Where(certain, gap.detach().sign() * Certain, quotient).erf());
    }

    // The losses do not depend on the unit of weights.
    private Tensor Weighted(Tensor perRow) =>
        weights is null ? perRow : perRow * (weights / weights.amax([0])).to_type(perRow.dtype).unsqueeze(1);

    // Drawn on the CPU, where the run's random streams are.
    private static Tensor Normal(Tensor like, Generator noise) =>
        empty(like.shape, like.dtype, CPU).normal_(0, 1, noise).to(like.device);
}

/// <summary>
/// Measures how evenly gates use modules (Shazeer et al. 2017, section 4 and appendix A). The time steps of a layer are rows of one batch,
/// and the losses are summed over layers.
/// </summary>
public sealed class GateBalance
{
    private readonly List<(string Layer, Tensor Gates, Tensor Loads)> _sites = [];

    /// <summary>Σ_layers CV(Importance)², Importance_i = Σ_x G(x)_i (their Eqs. 6 and 7): a scalar.</summary>
    public Tensor ImportanceLoss() => OverLayers(s => s.Gates);

    /// <summary>Σ_layers CV(Load)², Load_i = Σ_x P(x, i) (their Eqs. 8–11): a scalar.</summary>
    public Tensor LoadLoss() => OverLayers(s => s.Loads);

    /// <summary>Adds the gates G(x) and the probabilities P(x, i) of one site, both [B, M].</summary>
    internal void Add(string layer, Tensor gates, Tensor loads) => _sites.Add((layer, gates, loads));

    private Tensor OverLayers(Func<(string Layer, Tensor Gates, Tensor Loads), Tensor> part) =>
        _sites.GroupBy(s => s.Layer, StringComparer.Ordinal)
            .Select(layer => Variation(Operators.Join([.. layer.Select(part)], 0).sum(dim: 0)))
            .Aggregate((a, b) => a + b);

    // CV²: the variance of M numbers divided by their squared mean.
    private static Tensor Variation(Tensor perModule)
    {
        Tensor mean = perModule.mean();
        return (perModule - mean).pow(2).mean() / mean.pow(2);
    }
}
