using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Scores compositions of a whole task by Σ_n log p(y_n|x_n, a) over its datapoints, in evaluation mode. The nodes before the first site are run once for all compositions.
/// </summary>
internal sealed class CompositionScores : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Graph _graph;
    private readonly List<Part> _parts = [];
    private readonly long _rowsAtOnce;

    // Scores by the modules of all choices.
    private readonly Dictionary<string, double> _known = new(StringComparer.Ordinal);

    /// <summary>Takes the datapoints x [N, …], y [N, …], and runs one of them to see which layers choose.</summary>
    internal CompositionScores(Graph graph, Batch task, long bytes)
    {
        _graph = graph;
        Batch one = task.Map(t => t.narrow(0, 0, 1));
        (Tape tape, Footprint row) = graph.Probe(one.Inputs, one.Side, 1);
        Dictionary<string, Controller> controllers = graph.Nodes.SelectMany(n => n.Controllers).ToDictionary(c => c.Layer, StringComparer.Ordinal);
        Layers = [.. tape.Entries.Where(e => e.Latent).Select(e => e.Site).DistinctBy(s => s.Layer)];
        Allowed = [.. Layers.SelectMany(site => Enumerable.Repeat(controllers[site.Layer].Allowed, site.Choose))];
        _rowsAtOnce = Chunking.RowsWithin(bytes, row, graph.parameters().First().dtype);
        long datapoints = task.Inputs.shape[0];
        graph.InEvaluation(() =>
        {
            for (long from = 0; from < datapoints; from += _rowsAtOnce)
            {
                long count = Math.Min(_rowsAtOnce, datapoints - from);
                Batch part = task.Map(t => t.narrow(0, from, count));
                _parts.Add(new(graph.BeforeSites(part.Inputs, part.Side), part.Targets, part.Side));
            }

            return true;
        });
    }

    /// <summary>The first site of every layer that chooses, in the order of the layers.</summary>
    internal Site[] Layers { get; }

    /// <summary>The modules that each choice may take, [C].</summary>
    internal IReadOnlyList<int>[] Allowed { get; }

    /// <summary>The number of different compositions that were scored.</summary>
    internal int Scored => _known.Count;

    /// <summary>The scores of compositions [C] each, in nats. Those that were scored before are not scored again.</summary>
    internal double[] Of(IReadOnlyList<int[]> compositions)
    {
        string[] names = [.. compositions.Select(composition => string.Join(',', composition))];
        int[] fresh = [.. Enumerable.Range(0, names.Length).Where(i => !_known.ContainsKey(names[i])).DistinctBy(i => names[i])];
        int atOnce = (int)Math.Clamp(_rowsAtOnce / _parts.Max(part => part.Targets.shape[0]), 1, Math.Max(1, fresh.Length));
        foreach (int[] chunk in fresh.Chunk(atOnce))
        {
            double[] scores = _graph.InEvaluation(() => Run([.. chunk.Select(i => compositions[i])]));
            for (int i = 0; i < chunk.Length; i++)
            {
                // What cannot be computed is no explanation.
                _known[names[chunk[i]]] = double.IsNaN(scores[i]) ? double.NegativeInfinity : scores[i];
            }
        }

        return Array.ConvertAll(names, name => _known[name]);
    }

    /// <summary>A composition by layers.</summary>
    internal TaskComposition Named(int[] composition)
    {
        int from = 0;
        return new([.. Layers.Select(site => new LayerModules(site.Layer, site.Pool, composition[from..(from += site.Choose)]))]);
    }

    /// <summary>Releases what was computed of the datapoints.</summary>
    public void Dispose() => _scope.Dispose();

    private double[] Run(int[][] compositions)
    {
        var sums = new double[compositions.Length];
        foreach (Part part in _parts)
        {
            using var scope = NewDisposeScope();
            int datapoints = (int)part.Targets.shape[0];
            Device device = part.Before.device;
            AcrossSites output = _graph.CandidatesAcrossSites(
                part.Before, new Candidates(Layers, compositions, datapoints, device), part.Side?.Map(t => t.Tile(compositions.Length)), null, compositions.Length);
            Tensor datapoint = output.Rows.PlacesIn(new(datapoints, compositions.Length), device);
            Tensor features = _graph.AfterSites(output.Features, part.Side?.Map(t => t.IndexSelect(0, datapoint)));
            Tensor each = output.Rows.Spread(_graph.Head.LogLikelihood(features, part.Targets.IndexSelect(0, datapoint)));
            double[] summed = FromDevice.Vector<double>(each.to_type(ScalarType.Float64).view(compositions.Length, datapoints).sum(1), Wait.Asked);
            for (int i = 0; i < sums.Length; i++)
            {
                sums[i] += summed[i];
            }
        }

        return sums;
    }

    // Some of the datapoints: what the first site reads of them, and the rest.
    private sealed record Part(Tensor Before, Tensor Targets, SideInputs? Side);

    // Rows are candidate-major: all datapoints with the first composition come first.
    private sealed class Candidates : Selector
    {
        private readonly Dictionary<string, Tensor> _modules = new(StringComparer.Ordinal);

        internal Candidates(Site[] layers, int[][] compositions, int datapoints, Device device)
        {
            int from = 0;
            foreach (Site site in layers)
            {
                long[] own = [.. compositions.SelectMany(composition => composition[from..(from + site.Choose)]).Select(m => (long)m)];
                _modules.Add(site.Layer, tensor(own, device: device).view(compositions.Length, site.Choose).repeat_interleave(datapoints, dim: 0));
                from += site.Choose;
            }
        }

        public override Selection Select(Site site, ChoiceDistribution distribution) => new(_modules[site.Layer]);

        public override WindowChoice? Ahead(Site first, int steps, long rows, Device device) =>
            new(_modules[first.Layer].unsqueeze(1).expand(-1, steps, -1).contiguous());
    }
}
