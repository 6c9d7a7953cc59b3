using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Noisy top-k's own settings.</summary>
/// <param name="K">k, how many modules run for every row, whatever the layers' K.</param>
/// <param name="Importance">Weighs the importance loss (Shazeer et al. 2017, Eq. 7); 0 is without.</param>
/// <param name="Load">Weighs the load loss (Shazeer et al. 2017, appendix A, Eq. 11); 0 is without.</param>
public sealed record NoisyTopKSettings(int K = 4, double Importance = 0, double Load = 0)
{
    /// <summary>How its gradient steps are taken.</summary>
    public GradientSettings Gradient { get; init; } = new();
}

/// <summary>
/// The noisy top-k mixture of experts (Shazeer et al. 2017): at every site the k modules of highest H(x) run, H(x)_i = (controller's logit)_i
/// + N(0, 1) · softplus((x·W_noise)_i), and their outputs are weighted by the gate, softmax over those k. Its loss is
/// −mean log p(y|x), with the balance losses where they are asked for. In evaluation there is no noise.
/// </summary>
/// <remarks>
/// Logits are the controllers' own (so they have a bias, and begin as for other methods); the controllers get the weights
/// W_noise beside, zero at first as in that work. Every layer that chooses must sum, and choose 1.
/// </remarks>
public sealed class NoisyTopK : TrainingMethod
{
    /// <summary>
    /// Trains <paramref name="graph"/> (on <paramref name="device"/>) on <paramref name="data"/> (on the CPU), whose controllers
    /// get noise weights. UserException where a controller has no place for them.
    /// </summary>
    public NoisyTopK(Graph graph, Dataset data, NoisyTopKSettings settings, RandomStreams streams, Device? device = null)
        : base(WithNoise(graph), data, settings.Gradient, streams, device) => Settings = settings;

    /// <summary>The settings in force.</summary>
    public NoisyTopKSettings Settings { get; }

    /// <summary>The k modules of highest logit, weighted by the gate, without noise.</summary>
    public override Selector Evaluating => new NoisyTopKSelector(Settings.K);

    /// <inheritdoc/>
    protected override MinibatchLoss LossOf(long[] datapoints, Batch batch)
    {
        bool balanced = Settings.Importance != 0 || Settings.Load != 0;
        var gates = new NoisyTopKSelector(Settings.K, Streams.Noise, balanced);
        GraphOutput output = Forward(batch, gates);
        Tensor logLikelihood = Graph.Head.MeanLogLikelihood(output.Features, batch.Targets);
        Tensor loss = -logLikelihood;
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

    /// <summary>Gives the graph's controllers the weights W_noise, which this method's checkpoints have beside the others.</summary>
    public static void AddNoise(Graph graph)
    {
        foreach (Controller controller in graph.Nodes.SelectMany(n => n.Controllers).Where(c => c.Latent))
        {
            controller.AddNoise();
        }
    }
}

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
