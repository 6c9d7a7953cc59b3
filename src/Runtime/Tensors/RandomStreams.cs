using System.Text;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// All randomness of a run: named streams that follow from one seed. A draw from one stream never moves another, so a run replays bit for
/// bit. All streams are on the CPU.
/// </summary>
public sealed class RandomStreams : IDisposable
{
    // What forward passes draw from.
    private static readonly string[] DrawnInPasses = ["sampling", "noise", "dropout"];

    private readonly SortedDictionary<string, Generator> _streams = new(StringComparer.Ordinal);
    private string? _place;

    /// <summary>Makes streams that follow from <paramref name="seed"/>.</summary>
    public RandomStreams(long seed) => Seed = seed;

    /// <summary>The run's seed.</summary>
    public long Seed { get; }

    /// <summary>Draws the initial parameters.</summary>
    public Generator Init => this["init"];

    /// <summary>Draws the initial assignments.</summary>
    public Generator Assignments => this["assignments"];

    /// <summary>Shuffles the minibatches of E-steps.</summary>
    public Generator EBatches => this["e_batches"];

    /// <summary>Shuffles the minibatches of gradient steps.</summary>
    public Generator MBatches => this["m_batches"];

    /// <summary>Draws compositions from controllers.</summary>
    public Generator Sampling => this[DrawnInPasses[0]];

    /// <summary>Draws the noise of noisy top-k.</summary>
    public Generator Noise => this[DrawnInPasses[1]];

    /// <summary>Draws the values that dropout sets to 0.</summary>
    public Generator Dropout => this[DrawnInPasses[2]];

    /// <summary>Draws generated data.</summary>
    public Generator Data => this["data"];

    /// <summary>The stream called <paramref name="name"/>, which starts at its first use.</summary>
    public Generator this[string name]
    {
        get
        {
            if (!_streams.TryGetValue(name, out Generator? stream))
            {
                stream = new Generator((ulong)StreamSeed(Seed, name), CPU);
                _streams.Add(name, stream);
                Place(name);
            }

            return stream;
        }
    }

    /// <summary>
    /// From here on, until the next call, what forward passes draw follows from the seed and from the name of a place in the run, such as a step and a shard,
    /// whatever was drawn before: whoever comes to this place draws the same.
    /// </summary>
    internal void Enter(string place)
    {
        _place = place;
        Array.ForEach(DrawnInPasses, Place);
    }

    private void Place(string name)
    {
        if (_place is not null && DrawnInPasses.Contains(name) && _streams.TryGetValue(name, out Generator? stream))
        {
            stream.manual_seed(StreamSeed(Seed, $"{name} {_place}"));
        }
    }

    /// <summary>The state of every stream in use, by name.</summary>
    public IReadOnlyDictionary<string, Tensor> States() =>
        _streams.ToDictionary(s => s.Key, s => s.Value.get_state(), StringComparer.Ordinal);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Generator stream in _streams.Values)
        {
            stream.Dispose();
        }
    }

    // FNV-1a over the name, then SplitMix64's finaliser: neighbouring seeds and names start far apart.
    private static long StreamSeed(long seed, string name)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ b) * 1099511628211;
        }

        ulong z = unchecked((ulong)seed + hash + 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (long)((z ^ (z >> 31)) >> 1);
    }
}
