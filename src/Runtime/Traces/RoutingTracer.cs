using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Takes routing traces: runs datapoints through a graph and reads the tapes.</summary>
public static class RoutingTracer
{
    /// <summary>Vectors of more numbers than this are left out of a trace; the datapoint's number tells which it was.</summary>
    public const int WidestFeatures = 64;

    /// <summary>
    /// The trace of given datapoints of one dataset, dropout off, <paramref name="batch"/> at once. No random stream is touched.
    /// </summary>
    /// <param name="graph">Has at least one modular layer.</param>
    /// <param name="data">On the CPU.</param>
    /// <param name="datapoints">[N ≥ 1], numbers in <paramref name="data"/>.</param>
    /// <param name="method">Says how modules are chosen in evaluation, and whether controllers have a say.</param>
    /// <param name="device">Where the graph is.</param>
    /// <param name="step">Gradient steps so far.</param>
    /// <param name="split"><c>train</c>, <c>validation</c> or <c>test</c>.</param>
    /// <param name="labels">What numbers in the data stand for.</param>
    /// <param name="batch">Datapoints at once.</param>
    public static RoutingTrace Of(
        Graph graph,
        Dataset data,
        long[] datapoints,
        TrainingMethod method,
        Device device,
        long step = 0,
        string split = "train",
        RoutingLabels? labels = null,
        int batch = 128)
    {
        using var scope = NewDisposeScope();
        var layers = new LayerParts(method.ReadsControllers);
        List<Tensor> logLikelihood = [], logProbability = [], predictions = [];
        bool hasPredictions = !data.IsSequence;
        graph.InEvaluation(() =>
        {
            foreach (long[] some in datapoints.Chunk(batch))
            {
                using var inner = NewDisposeScope();
                Batch rows = data.Get(tensor(some)).To(device);
                GraphOutput output = graph.Forward(rows.Inputs, method.Evaluating, rows.Side);
                layers.Add(output.Tape);
                Keep(logLikelihood, graph.Head.LogLikelihood(output.Features, rows.Targets), ScalarType.Float32);
                if (method.ReadsControllers && output.Tape.Choices > 0 && output.Tape.Entries.All(e => e.Selection.Weights is null))
                {
                    Keep(logProbability, output.Tape.LogProbability(), ScalarType.Float32);
                }

                if (hasPredictions)
                {
                    Tensor predicted = graph.Head.Predict(output.Features);
                    Keep(predictions, predicted, predicted.is_floating_point() ? ScalarType.Float32 : ScalarType.Int32);
                }
            }

            return true;
        });

        Tensor which = tensor(datapoints);
        Tensor targets = data.Targets.index_select(0, which);
        Tensor inputs = data.Inputs.index_select(0, which);
        bool classes = targets.dtype == ScalarType.Int64;
        bool vectors = inputs.is_floating_point() && inputs.dim() == 2 && inputs.shape[1] <= WidestFeatures;
        return new()
        {
            Step = step,
            Split = split,
            Datapoints = datapoints,
            Layers = layers.Join(),
            LogLikelihood = Arrays.Vector<float>(cat(logLikelihood, 0)),
            LogProbability = logProbability.Count > 0 ? Arrays.Vector<float>(cat(logProbability, 0)) : null,
            Tokens = inputs.dtype == ScalarType.Int64 ? Arrays.Table<int>(inputs) : null,
            Features = vectors ? Arrays.Table<float>(inputs) : null,
            TargetClasses = classes ? Arrays.Table<int>(targets) : null,
            TargetValues = classes ? null : Arrays.Table<float>(targets),
            PredictedClasses = classes && hasPredictions ? Arrays.Vector<int>(cat(predictions, 0)) : null,
            PredictedValues = !classes && hasPredictions ? Arrays.Table<float>(cat(predictions, 0)) : null,
            Tasks = data.Side?.Tasks is Tensor tasks ? Arrays.Vector<int>(tasks.index_select(0, which)) : null,
            Labels = labels ?? new(),
        };
    }

    // On the CPU, and out of the batch's scope.
    private static void Keep(List<Tensor> parts, Tensor part, ScalarType type) =>
        parts.Add(part.detach().to_type(type).cpu().MoveToOuterDisposeScope());

    // The layers' parts of several tapes, batch by batch.
    private sealed class LayerParts(bool readsControllers)
    {
        private readonly List<Site> _sites = [];
        private readonly Dictionary<string, (bool Latent, List<Tensor> Chosen, List<Tensor> Probabilities, List<Tensor> Weights)> _parts =
            new(StringComparer.Ordinal);

        internal void Add(Tape tape)
        {
            foreach (var group in tape.Entries.GroupBy(e => e.Site.Layer, StringComparer.Ordinal))
            {
                TapeEntry[] entries = [.. group];
                if (!_parts.TryGetValue(group.Key, out var parts))
                {
                    parts = (entries[0].Latent, [], [], []);
                    _parts.Add(group.Key, parts);
                    _sites.Add(entries[0].Site);
                }

                Keep(parts.Chosen, stack([.. entries.Select(e => e.Selection.Indices)], 1), ScalarType.Int32);
                if (parts.Latent && readsControllers)
                {
                    Tensor used = stack([.. entries.Select(e => e.Used().LogProbabilities)], 1).exp();
                    Keep(parts.Probabilities, used, ScalarType.Float32);
                }

                if (entries[0].Selection.Weights is not null)
                {
                    Keep(parts.Weights, stack([.. entries.Select(e => e.Selection.Weights!)], 1), ScalarType.Float32);
                }
            }
        }

        internal IReadOnlyList<RoutingLayer> Join() =>
            [.. _sites.Select(site =>
            {
                var parts = _parts[site.Layer];
                return new RoutingLayer(
                    site.Layer,
                    site.Modules,
                    parts.Latent,
                    (int[,,])Arrays.Of<int>(cat(parts.Chosen, 0)),
                    parts.Probabilities.Count > 0 ? (float[,,,])Arrays.Of<float>(cat(parts.Probabilities, 0)) : null,
                    parts.Weights.Count > 0 ? (float[,,])Arrays.Of<float>(cat(parts.Weights, 0)) : null);
            })];
    }
}
