using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The settings of REINFORCE.</summary>
/// <param name="Decay">d in [0, 1): each minibatch changes the average c of log p(y|x, a) to d · c + (1 − d) · its own mean.</param>
public sealed record ReinforceSettings(double Decay = 0.99)
{
    /// <summary>How gradient steps are taken.</summary>
    public GradientSettings Gradient { get; init; } = new();
}

/// <summary>
/// REINFORCE on B = Σ_a p(a|x, φ) log p(y|x, a, θ) (Eqs. 12–14), without regulariser. One composition per datapoint is drawn from the
/// controllers, and ∇ log p(a|x) is weighted by its log-likelihood minus c, an exponential moving average (the control variate). The
/// reported loss is −mean log p(y|x, a), the estimate of −B.
/// </summary>
/// <remarks>
/// c comes from earlier minibatches, so it is independent of a and the estimate is unbiased: E[∇ log p(a|x)] = 0. Its first value is the
/// mean of the first minibatch under a separate draw. A datapoint's composition covers all its sites, and log p(y|x, a) all its outputs, as
/// in Eq. 13. Label smoothing is of the first term's gradient and of the reported loss: a composition's credit is its log-likelihood itself.
/// </remarks>
public sealed class Reinforce : TrainingMethod
{
    private double? _average;

    // On an accelerator, where c stays: a scalar in double precision.
    private Tensor? _there;

    /// <summary>Trains <paramref name="graph"/> (on <paramref name="device"/>) on <paramref name="data"/> (on the CPU).</summary>
    public Reinforce(Graph graph, Dataset data, ReinforceSettings settings, RandomStreams streams, Device? device = null)
        : base(graph, data, settings.Gradient, streams, device) => Settings = settings;

    /// <summary>The settings in force.</summary>
    public ReinforceSettings Settings { get; }

    /// <summary>The control variate c in nats; null before the first step.</summary>
    public double? Average => _there is null ? _average : FromDevice.Number(_there, Wait.Asked);

    /// <summary>
    /// The differentiated loss per datapoint: −log p(y|x, a) − (log p(y|x, a) − c) · log p(a|x), with the factor in brackets held constant:
    /// [B], [B] → [B]. Its gradient, averaged over a ~ p(a|x), is −∇B.
    /// </summary>
    public static Tensor Surrogate(Tensor logLikelihood, Tensor logProbability, double average) =>
        -logLikelihood - Credit(logLikelihood, logProbability, average);

    /// <summary>Adds c as <c>reinforce.average</c> [1], after the first step.</summary>
    public override IEnumerable<(string Name, Tensor Value)> State() =>
        Average is double average ? [.. base.State(), ("reinforce.average", tensor(new[] { average }))] : base.State();

    /// <inheritdoc/>
    public override void Restore(SavedState state)
    {
        base.Restore(state);
        Forget();
        _average = state.Has("reinforce.average") ? state.Real("reinforce.average") : null;
    }

    /// <summary>The loss under a composition that is drawn for every datapoint.</summary>
    protected override MinibatchLoss LossOf(long[] datapoints, Batch batch)
    {
        GraphOutput output = Forward(batch, Sampling);
        (Tensor mean, Tensor each) = Graph.Head.MeanAndEach(output.Features, batch.Targets, batch.Weights);
        // The mean of the surrogate. The mean log-likelihood has the gradient of the first term; the second needs none of log p(y|x, a).
        Tensor negative = -Smoothed(mean, output, batch);
        Tensor loss = Graph.HasSites ? negative - batch.Mean(Credit(each, output.Tape.LogProbability())) : negative;
        return new(Penalised(loss, output), mean, () => output) { Reported = Penalised(negative, output) };
    }

    /// <summary>log p(y, a|x) of the most probable modules, so that controllers go on choosing them.</summary>
    private protected override Tensor ToKeep(long[] datapoints, Batch batch)
    {
        GraphOutput output = Graph.Forward(batch.Inputs, Evaluating, batch.Side);
        Tensor logLikelihood = Score(batch, output).sum();
        return Graph.HasSites ? logLikelihood + output.Tape.LogProbability().sum() : logLikelihood;
    }

    /// <summary>Gives c its first value.</summary>
    private protected override void BeginStep(IReadOnlyList<Shard> shards)
    {
        if (Accelerator.Is(Device) && Sharding.IsWhole)
        {
            _there ??= (_average is double known ? tensor(known, ScalarType.Float64, Device) : First(shards[0]).to_type(ScalarType.Float64)).DetachFromDisposeScope();
            return;
        }

        if (_average is not null)
        {
            return;
        }

        double[] means = [.. shards.Select(shard =>
        {
            if (shard.IsEmpty)
            {
                return 0;
            }

            using var scope = NewDisposeScope();
            return shard.Share * FromDevice.Number(First(shard), Wait.Shards);
        })];
        _average = Sharding.Sum([.. means.Select(mean => new[] { mean })])[0];
    }

    /// <summary>Moves c towards the minibatch's mean.</summary>
    protected override void Conclude(LateNumber logLikelihood)
    {
        if (_there is not null && logLikelihood.OnDevice is Tensor mean)
        {
            _there.mul_(Settings.Decay).add_(mean.to_type(ScalarType.Float64) * (1 - Settings.Decay));
            return;
        }

        _average = Settings.Decay * _average!.Value + (1 - Settings.Decay) * logLikelihood.Value;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Forget();
        }

        base.Dispose(disposing);
    }

    // The mean log-likelihood of a minibatch under a draw of its own.
    private Tensor First(Shard shard)
    {
        At(shard, "first average");
        Batch batch = Fetch(shard.Datapoints);
        return Graph.InEvaluation(() => batch.Mean(Score(batch, Glance(batch, Sampling))));
    }

    private void Forget()
    {
        _there?.Dispose();
        _there = null;
    }

    private static Tensor Credit(Tensor logLikelihood, Tensor logProbability, double average) =>
        (logLikelihood.detach() - average) * logProbability;

    private Tensor Credit(Tensor logLikelihood, Tensor logProbability) => _there is null
        ? Credit(logLikelihood, logProbability, _average!.Value)
        : (logLikelihood.detach() - _there) * logProbability;

    private SampledSelector Sampling => new(Streams.Sampling);

    private Tensor Score(Batch batch, GraphOutput output) => Graph.Head.LogLikelihood(output.Features, batch.Targets);
}
