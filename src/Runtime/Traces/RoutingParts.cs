using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Gathers the parts of a trace from tapes and heads, batch by batch, on the CPU.</summary>
internal sealed class RoutingParts(Graph graph, bool readsControllers, bool hasPredictions)
{
    private readonly List<Site> _sites = [];
    private readonly Dictionary<string, Parts> _layers = new(StringComparer.Ordinal);
    private readonly List<Tensor> _logLikelihood = [];
    private readonly List<Tensor> _logProbability = [];
    private readonly List<Tensor> _predictions = [];

    /// <summary>log p(y|x, a) of every datapoint, [N] float32, in nats.</summary>
    internal Tensor? LogLikelihood => Joined(_logLikelihood);

    /// <summary>log p(a|x) of every datapoint, [N] float32, in nats; null where outputs are weighted or no controller is read.</summary>
    internal Tensor? LogProbability => Joined(_logProbability);

    /// <summary>The predictions, [N, …] int32 or float32; null unless they are asked for.</summary>
    internal Tensor? Predictions => Joined(_predictions);

    /// <summary>
    /// The layers, in the order in which data passed them. <paramref name="held"/> is a* [N, C], with the choices of all sites of the first
    /// layer first; null where there is none.
    /// </summary>
    internal IReadOnlyList<RoutingLayer> Layers(Tensor? held)
    {
        var layers = new List<RoutingLayer>();
        long column = 0;
        foreach (Site site in _sites)
        {
            Parts parts = _layers[site.Layer];
            Tensor chosen = Joined(parts.Chosen)!;
            int[,,]? own = null;
            if (parts.Latent && held is not null)
            {
                long columns = chosen.shape[1] * chosen.shape[2];
                own = (int[,,])TensorArrays.Of<int>(held.narrow(1, column, columns).reshape(chosen.shape));
                column += columns;
            }

            layers.Add(new(
                site.Layer,
                site.Modules,
                parts.Latent,
                (int[,,])TensorArrays.Of<int>(chosen),
                Joined(parts.Probabilities) is Tensor p ? (float[,,,])TensorArrays.Of<float>(p) : null,
                Joined(parts.Weights) is Tensor w ? (float[,,])TensorArrays.Of<float>(w) : null)
            {
                Pool = site.Pool,
                Held = own,
            });
        }

        return layers;
    }

    /// <summary>
    /// Adds the pass of B datapoints and their targets, or only rows <paramref name="wanted"/> [n] of them. The B datapoints may have
    /// passed the sites as one long sequence.
    /// </summary>
    internal void Add(GraphOutput output, Tensor targets, Tensor? wanted = null)
    {
        long datapoints = targets.shape[0];

        void Keep(List<Tensor> into, Tensor rows, ScalarType type)
        {
            Tensor kept = wanted is null ? rows : rows.index_select(0, wanted);
            into.Add(kept.detach().to_type(type).cpu().MoveToOuterDisposeScope());
        }

        // [B, …] per site, or [1, …] for each of a long sequence's sites → [B, T, …].
        Tensor BySite(IEnumerable<Tensor> sites)
        {
            Tensor all = stack([.. sites], 1);
            return all.reshape([datapoints, -1, .. all.shape[2..]]);
        }

        foreach (var group in output.Tape.Entries.GroupBy(e => e.Site.Layer, StringComparer.Ordinal))
        {
            TapeEntry[] entries = [.. group];
            if (!_layers.TryGetValue(group.Key, out Parts? parts))
            {
                parts = new(entries[0].Latent, [], [], []);
                _layers.Add(group.Key, parts);
                _sites.Add(entries[0].Site);
            }

            Keep(parts.Chosen, BySite(entries.Select(e => e.Selection.Indices)), ScalarType.Int32);
            if (parts.Latent && readsControllers)
            {
                Keep(parts.Probabilities, BySite(entries.Select(e => e.Used().LogProbabilities)).exp(), ScalarType.Float32);
            }

            if (entries[0].Selection.Weights is not null)
            {
                Keep(parts.Weights, BySite(entries.Select(e => e.Selection.Weights!)), ScalarType.Float32);
            }
        }

        Keep(_logLikelihood, graph.Head.LogLikelihood(output.Features, targets), ScalarType.Float32);
        TapeEntry[] latent = [.. output.Tape.Entries.Where(e => e.Latent)];
        if (readsControllers && latent.Length > 0 && latent.All(e => e.Selection.Weights is null))
        {
            Tensor sites = BySite(latent.Select(e => e.Distribution.LogProbability(e.Selection.Indices)));
            Keep(_logProbability, sites.sum(dim: 1), ScalarType.Float32);
        }

        if (hasPredictions)
        {
            Tensor predicted = graph.Head.Predict(output.Features);
            Keep(_predictions, predicted, predicted.is_floating_point() ? ScalarType.Float32 : ScalarType.Int32);
        }
    }

    private static Tensor? Joined(List<Tensor> parts) => parts.Count > 0 ? cat(parts, 0) : null;

    private sealed record Parts(bool Latent, List<Tensor> Chosen, List<Tensor> Probabilities, List<Tensor> Weights);
}
