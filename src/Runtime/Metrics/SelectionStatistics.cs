using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Accumulates over tapes how each modular layer chooses its modules. A recurrent layer is one layer, whose time steps count as datapoints.
/// Where outputs are weighted (noisy and loss-free top-k), the gate is the distribution, of one position. Entropies are in nats; exp of an entropy is a number
/// of modules. H_a and H_b are both taken per position, so that H_a ≤ H_b ≤ log M for every K.
/// </summary>
public sealed class SelectionStatistics
{
    private readonly Dictionary<string, Layer> _layers = new(StringComparer.Ordinal);
    private readonly List<string> _order = [];
    private readonly LateNumbers _late;

    /// <summary>Statistics of nothing yet.</summary>
    public SelectionStatistics()
        : this(new LateNumbers())
    {
    }

    internal SelectionStatistics(LateNumbers late) => _late = late;

    /// <summary>The names of the modular layers, in the order in which they were seen.</summary>
    public IReadOnlyList<string> Layers => _order;

    /// <summary>
    /// H_a (Eq. 15, per position): the entropy of p_k(a_k|x), averaged over datapoints, over the K positions and over layers with a
    /// controller; 0 without such layers. For K = 1 it is Eq. 15.
    /// </summary>
    public double SelectionEntropy => Average(l => l.Entropy / l.Rows / l.Choose);

    /// <summary>
    /// H_b (Eq. 16, per position): the entropy of the mean of p_k(a_k|x) over datapoints, averaged over the K positions and over layers with a
    /// controller; 0 without such layers. For K = 1 it is Eq. 16.
    /// </summary>
    public double BatchSelectionEntropy => Average(l => Enumerable.Range(0, l.Choose).Average(k => EntropyOf(l.Mean(k))));

    /// <summary>
    /// The number of modules of a pool that were selected at least once, averaged over pools; 0 without pools. A pool that several layers
    /// share counts once.
    /// </summary>
    public double ModulesUsed => AverageOverPools(counts => counts.Count(c => c > 0));

    /// <summary>
    /// How many modules of a pool did the work that was done: exp of the entropy of the shares of the pool's selections that fell on each
    /// module, averaged over pools; 0 without pools. It counts what ran, where <see cref="BatchSelectionEntropy"/> tells what was probable.
    /// </summary>
    public double EffectiveModules => AverageOverPools(counts => Math.Exp(EntropyOf(Shares(counts))));

    /// <summary>The share of a layer's choices that fell on each module, [M].</summary>
    public double[] Load(string layer) => Shares(Seen[layer].Counts);

    /// <summary>Adds all sites of a tape.</summary>
    public void Add(Tape tape)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach (var group in tape.Entries.GroupBy(e => e.Site.Layer, StringComparer.Ordinal))
        {
            TapeEntry[] entries = [.. group];
            Site site = entries[0].Site;

            // [T·B, K, M]: the layer's sites over time count as rows.
            ChoiceDistribution distribution = ChoiceDistribution.Join([.. entries.Select(e => e.Used())], 0);
            Layer layer = Of(site.Layer, () => new(site.Pool, distribution.Choose, site.Modules, entries[0].Latent));
            // What the data give is not probable: it has no part in entropies.
            long rows = distribution.Rows;
            Tensor counts = TapeEntry.Counts(entries);
            _late.Add(
                layer.Latent ? [counts, distribution.Entropy().to_type(ScalarType.Float64).sum(), distribution.SumOfProbabilities()] : [counts],
                seen => layer.Add(
                    rows, layer.Latent ? seen[1][0] : 0, layer.Latent ? seen[2] : [], Array.ConvertAll(seen[0], count => (long)count)));
        }
    }

    /// <summary>Writes what was accumulated, for <see cref="Add(BinaryReader)"/>.</summary>
    internal void Write(BinaryWriter writer)
    {
        writer.Write(_order.Count);
        foreach (string name in _order)
        {
            writer.Write(name);
            Seen[name].Write(writer);
        }
    }

    /// <summary>Adds what others have accumulated and written.</summary>
    internal void Add(BinaryReader reader)
    {
        for (int layers = reader.ReadInt32(); layers > 0; layers--)
        {
            string name = reader.ReadString();
            var (pool, choose, modules, latent) = (reader.ReadString(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadBoolean());
            Of(name, () => new(pool, choose, modules, latent)).Add(
                reader.ReadInt64(),
                reader.ReadDouble(),
                Array.ConvertAll(new double[choose * modules], _ => reader.ReadDouble()),
                Array.ConvertAll(new long[modules], _ => reader.ReadInt64()));
        }
    }

    // The layers, all that was added being read.
    private Dictionary<string, Layer> Seen
    {
        get
        {
            _late.Read(Wait.Report);
            return _layers;
        }
    }

    private Layer Of(string name, Func<Layer> make)
    {
        if (!_layers.TryGetValue(name, out Layer? layer))
        {
            layer = make();
            _layers.Add(name, layer);
            _order.Add(name);
        }

        return layer;
    }

    /// <summary>The entropy of a distribution, nats; probabilities of 0 add nothing.</summary>
    /// <example><code>double even = SelectionStatistics.EntropyOf([0.5, 0.5]); // log 2</code></example>
    public static double EntropyOf(IEnumerable<double> probabilities) =>
        probabilities.Where(p => p > 0).Sum(p => -p * Math.Log(p));

    private double Average(Func<Layer, double> value) =>
        Seen.Values.Where(l => l.Latent).Select(value).DefaultIfEmpty(0).Average();

    private double AverageOverPools(Func<long[], double> value) =>
        Seen.Values.GroupBy(l => l.Pool, StringComparer.Ordinal)
            .Select(sharing => value([.. sharing.Select(l => l.Counts).Aggregate((a, b) => [.. a.Zip(b, (x, y) => x + y)])]))
            .DefaultIfEmpty(0)
            .Average();

    private static double[] Shares(long[] counts)
    {
        double total = counts.Sum();
        return [.. counts.Select(c => c / total)];
    }

    private sealed class Layer(string pool, int choose, int modules, bool latent)
    {
        private readonly double[] _probabilities = new double[choose * modules];

        internal string Pool { get; } = pool;

        internal int Choose { get; } = choose;

        internal int Modules { get; } = modules;

        internal bool Latent { get; } = latent;

        internal long Rows { get; private set; }

        internal double Entropy { get; private set; }

        internal long[] Counts { get; } = new long[modules];

        internal IEnumerable<double> Mean(int position) =>
            _probabilities.Skip(position * Modules).Take(Modules).Select(p => p / Rows);

        internal void Write(BinaryWriter writer)
        {
            writer.Write(Pool);
            writer.Write(Choose);
            writer.Write(Modules);
            writer.Write(Latent);
            writer.Write(Rows);
            writer.Write(Entropy);
            Array.ForEach(_probabilities, writer.Write);
            Array.ForEach(Counts, writer.Write);
        }

        internal void Add(long rows, double entropy, double[] probabilities, long[] counts)
        {
            Rows += rows;
            Entropy += entropy;
            for (int i = 0; i < probabilities.Length; i++)
            {
                _probabilities[i] += probabilities[i];
            }

            for (int i = 0; i < counts.Length; i++)
            {
                Counts[i] += counts[i];
            }
        }
    }
}
