using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// All that a graph says of B datapoints: what is the most probable, how probable everything is, and which modules ran. Dispose it to free its
/// tensors.
/// </summary>
/// <example><code>using Prediction said = Prediction.Of(graph, x, new ModeSelector());</code></example>
public sealed class Prediction : IDisposable
{
    private Prediction(Tensor features, Tensor mode, IReadOnlyList<ChosenModules> choices) =>
        (Features, Mode, Choices) = (features, mode, choices);

    /// <summary>What the head reads, [B, …].</summary>
    public Tensor Features { get; }

    /// <summary>The most probable classes [B], of a sequence [B, T]; means [B, D]; or the most probable bits [B, D].</summary>
    public Tensor Mode { get; }

    /// <summary>
    /// The probability of every class [B, C], of a sequence [B, T, C], or of every bit to be 1 [B, D]; null where y are numbers, which have a
    /// density.
    /// </summary>
    public Tensor? Probabilities { get; private init; }

    /// <summary>The standard deviation of y around its mean; null unless y are numbers.</summary>
    public double? Deviation { get; private init; }

    /// <summary>
    /// log p(y|x, a) in nats of the targets that were given: of every datapoint [B], of a sequence of every step [B, T]; null without targets.
    /// </summary>
    public Tensor? LogLikelihood { get; private init; }

    /// <summary>The modules that ran at every site, in the order of the sites.</summary>
    public IReadOnlyList<ChosenModules> Choices { get; }

    /// <summary>
    /// Runs a graph in evaluation mode on x [B, …], as the graph reads it. Recurrent layers start from <paramref name="carried"/> and leave their
    /// last h there; without it they start at zero.
    /// </summary>
    public static Prediction Of(
        Graph graph, Tensor x, Selector selector, SideInputs? side = null, Tensor? targets = null, RecurrentState? carried = null) =>
        graph.InEvaluation(() =>
        {
            using var scope = NewDisposeScope();
            GraphOutput output = graph.Forward(x, selector, side, carried);
            Tensor? log = graph.Head.LogProbabilities(output.Features);
            return new Prediction(
                Kept(output.Features),
                Kept(graph.Head.Predict(output.Features)),
                [.. output.Tape.Entries.Select(ChosenModules.Of)])
            {
                Probabilities = log is null ? null : Kept(log.exp()),
                Deviation = graph.Head is GaussianHead gaussian ? Math.Exp(0.5 * gaussian.LogVariance.ToDouble()) : null,
                LogLikelihood = targets is null ? null : Kept(LogLikelihoodOf(graph.Head, output.Features, log, targets)),
            };
        });

    // Steps of a sequence are told one by one, where the head would sum over them.
    private static Tensor LogLikelihoodOf(Head head, Tensor features, Tensor? log, Tensor targets) =>
        log is not null && targets.dim() > 1 && log.dim() == targets.dim() + 1
            ? log.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
            : head.LogLikelihood(features, targets);

    // A clone, because it may be a view of a larger tensor, or another's.
    private static Tensor Kept(Tensor value) => value.detach().clone().MoveToOuterDisposeScope();

    /// <inheritdoc/>
    public void Dispose()
    {
        Features.Dispose();
        Mode.Dispose();
        Probabilities?.Dispose();
        LogLikelihood?.Dispose();
    }
}

/// <summary>The modules that ran at one site.</summary>
/// <param name="Layer">The name of the modular layer.</param>
/// <param name="Pool">The name of the pool that the modules belong to.</param>
/// <param name="Time">The time step; 0 for a layer without time.</param>
/// <param name="Modules">The modules of every row, from 0, [B, K].</param>
public sealed record ChosenModules(string Layer, string Pool, int Time, IReadOnlyList<long[]> Modules)
{
    internal static ChosenModules Of(TapeEntry entry)
    {
        long[] all = TensorArrays.Vector<long>(entry.Selection.Indices);
        int positions = (int)entry.Selection.Indices.shape[1];
        return new(entry.Site.Layer, entry.Site.Pool, entry.Site.Time, [.. all.Chunk(positions)]);
    }
}
