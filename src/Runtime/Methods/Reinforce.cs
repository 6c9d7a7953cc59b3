using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>REINFORCE's own setting.</summary>
/// <param name="Decay">d, how much of the average of log p(y|x, a) a minibatch leaves as it was, in [0, 1).</param>
public sealed record ReinforceSettings(double Decay = 0.99)
{
    /// <summary>How its gradient steps are taken.</summary>
    public GradientSettings Gradient { get; init; } = new();
}

/// <summary>
/// REINFORCE on B = Σ_a p(a|x, φ) log p(y|x, a, θ) (Eqs. 12–14), unregularised. One composition per datapoint is drawn from
/// the controllers; its log-likelihood less an exponential moving average c, the control variate, weighs ∇ log p(a|x).
/// A report's loss is −mean log p(y|x, a), the estimate of −B.
/// </summary>
/// <remarks>
/// c is that of the minibatches before, so it is independent of a, and the estimate stays without bias: E[∇ log p(a|x)] = 0.
/// It begins as the first minibatch's mean under a draw of its own. A datapoint's composition is over all its sites, and log p(y|x, a)
/// that of all its outputs, as in Eq. 13.
/// </remarks>
public sealed class Reinforce : TrainingMethod
{
    private double? _average;

    /// <summary>
    /// Trains <paramref name="graph"/> (on <paramref name="device"/>) on <paramref name="data"/> (on the CPU).
    /// </summary>
    public Reinforce(Graph graph, Dataset data, ReinforceSettings settings, RandomStreams streams, Device? device = null)
        : base(graph, data, settings.Gradient, streams, device) => Settings = settings;

    /// <summary>The settings in force.</summary>
    public ReinforceSettings Settings { get; }

    /// <summary>c, nats; null before the first step.</summary>
    public double? Average => _average;

    /// <summary>
    /// What is differentiated, per datapoint: −log p(y|x, a) − (log p(y|x, a) − c) · log p(a|x), the factor in brackets held
    /// constant. [B], [B] → [B]; its gradient, averaged over a ~ p(a|x), is −∇B.
    /// </summary>
    public static Tensor Surrogate(Tensor logLikelihood, Tensor logProbability, double average) =>
        -logLikelihood - Credit(logLikelihood, logProbability, average);

    /// <summary>c as <c>reinforce.average</c> [1], once there is one.</summary>
    public override IEnumerable<(string Name, Tensor Value)> State() =>
        _average is double average ? [.. base.State(), ("reinforce.average", tensor(new[] { average }))] : base.State();

    /// <inheritdoc/>
    public override void Restore(SavedState state)
    {
        base.Restore(state);
        _average = state.Has("reinforce.average") ? state.Real("reinforce.average") : null;
    }

    /// <summary>Draws a composition for every datapoint.</summary>
    protected override MinibatchLoss LossOf(long[] datapoints, Batch batch)
    {
        double average = _average ?? Graph.InEvaluation(() => Score(batch, Glance(batch, Sampling)).mean().ToDouble());
        GraphOutput output = Forward(batch, Sampling);
        (Tensor mean, Tensor each) = Graph.Head.MeanAndEach(output.Features, batch.Targets);
        // The mean of the surrogate: of its first term the mean has the gradient, and the second wants none of log p(y|x, a).
        Tensor loss = Graph.HasSites
            ? -mean - Credit(each, output.Tape.LogProbability(), average).mean()
            : -mean;
        _average = Settings.Decay * average + (1 - Settings.Decay) * mean.ToDouble();
        return new(Penalised(loss, output), mean, () => output) { Reported = Penalised(-mean, output) };
    }

    private static Tensor Credit(Tensor logLikelihood, Tensor logProbability, double average) =>
        (logLikelihood.detach() - average) * logProbability;

    private SampledSelector Sampling => new(Streams.Sampling);

    private Tensor Score(Batch batch, GraphOutput output) => Graph.Head.LogLikelihood(output.Features, batch.Targets);
}
