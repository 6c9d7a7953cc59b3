using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The assignments a*: the composition currently held for every datapoint, over all its sites. A choice takes one byte while M ≤ 256, two
/// bytes while M ≤ 65,536, and three above, up to 16,777,216.
/// </summary>
public sealed class Assignments
{
    /// <summary>The largest M that three bytes can tell.</summary>
    public const int MostModules = 1 << 24;

    // The number of a module in so many bytes, the lowest first.
    private readonly int _width;
    private readonly byte[] _bytes;

    private readonly int[] _modulesPerChoice;

    private Assignments(long count, IReadOnlyList<int> modulesPerChoice)
    {
        _modulesPerChoice = [.. modulesPerChoice];
        int choices = _modulesPerChoice.Length;
        int modules = _modulesPerChoice.DefaultIfEmpty(1).Max();
        (Count, Choices, Modules) = (count, choices, modules);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(modules, MostModules);
        _width = modules <= 1 << 8 ? 1 : modules <= 1 << 16 ? 2 : 3;
        _bytes = new byte[checked(count * choices * _width)];
    }

    /// <summary>The type of the table in a checkpoint, for so many modules at most.</summary>
    internal static ScalarType TypeFor(int modules) => modules <= 256 ? ScalarType.Byte : ScalarType.Int32;

    /// <summary>Is called after a datapoint's composition was replaced, with the datapoint and the composition before, [C].</summary>
    internal event Action<long, long[]>? Replaced;

    /// <summary>N, the number of datapoints.</summary>
    public long Count { get; }

    /// <summary>C, the number of choices per datapoint, over all sites and positions.</summary>
    public int Choices { get; }

    /// <summary>The largest M of any site.</summary>
    public int Modules { get; }

    /// <summary>
    /// Draws the assignments of <paramref name="count"/> datapoints uniformly from all compositions (Algorithm 1).
    /// <paramref name="modulesPerChoice"/> [C] gives M for every choice, and <paramref name="allowedPerChoice"/> [C] the modules that may be
    /// chosen, where they are not all.
    /// </summary>
    public static Assignments Uniform(
        long count, IReadOnlyList<int> modulesPerChoice, Generator generator, IReadOnlyList<IReadOnlyList<int>>? allowedPerChoice = null)
    {
        var table = new Assignments(count, modulesPerChoice);
        for (int c = 0; c < modulesPerChoice.Count; c++)
        {
            IReadOnlyList<int>? allowed = allowedPerChoice?[c];
            int among = allowed?.Count ?? modulesPerChoice[c];
            using Tensor column = randint(among, new long[] { count }, ScalarType.Int64, generator: generator);
            long[] values = TensorArrays.Vector<long>(column);
            for (long n = 0; n < count; n++)
            {
                table.Set(n, c, allowed?[(int)values[n]] ?? values[n]);
            }
        }

        return table;
    }

    /// <summary>The module that is held as choice <paramref name="choice"/> of datapoint <paramref name="n"/>.</summary>
    public long this[long n, int choice]
    {
        get
        {
            long module = 0, at = (n * Choices + choice) * _width;
            for (int b = 0; b < _width; b++)
            {
                module |= (long)_bytes[at + b] << (8 * b);
            }

            return module;
        }
    }

    /// <summary>The compositions of the given datapoints [B] → [B, C] int64 on the CPU.</summary>
    public Tensor Get(ReadOnlySpan<long> datapoints)
    {
        var values = new long[datapoints.Length * Choices];
        for (int b = 0; b < datapoints.Length; b++)
        {
            for (int c = 0; c < Choices; c++)
            {
                values[b * Choices + c] = this[datapoints[b], c];
            }
        }

        return tensor(values).view(datapoints.Length, Choices);
    }

    /// <summary>Replaces the composition of datapoint <paramref name="n"/> by C given choices.</summary>
    public void Set(long n, long[] composition) => Set(n, composition.AsSpan());

    /// <summary>Replaces the composition of datapoint <paramref name="n"/> by C given choices.</summary>
    public void Set(long n, ReadOnlySpan<long> composition)
    {
        long[]? before = Replaced is null ? null : [.. Enumerable.Range(0, Choices).Select(c => this[n, c])];
        for (int c = 0; c < Choices; c++)
        {
            Set(n, c, composition[c]);
        }

        if (before is not null)
        {
            Replaced?.Invoke(n, before);
        }
    }

    /// <summary>The whole table as a tensor [N, C] for a checkpoint: uint8, or int32 where M > 256.</summary>
    public Tensor ToTensor()
    {
        if (TypeFor(Modules) == ScalarType.Byte)
        {
            return tensor(_bytes, ScalarType.Byte).view(Count, Choices);
        }

        var values = new int[checked(Count * Choices)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (int)this[i / Choices, i % Choices];
        }

        return tensor(values).view(Count, Choices);
    }

    /// <summary>Takes over the saved table [N, C] of that name, which <see cref="ToTensor"/> gave. UserException where it does not fit.</summary>
    internal void Restore(SavedState state, string name)
    {
        long[] values = TensorArrays.Vector<long>(state.Get(name, Count, Choices));
        for (int i = 0; i < values.Length; i++)
        {
            int modules = _modulesPerChoice[i % Choices];
            if (values[i] < 0 || values[i] >= modules)
            {
                throw state.Refused(name, $"modules from 0 to {modules - 1}", $"{values[i]}");
            }
        }

        for (long n = 0; n < Count; n++)
        {
            Set(n, values.AsSpan(checked((int)(n * Choices)), Choices));
        }
    }

    private void Set(long n, int choice, long module)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)module, 1UL << (8 * _width), nameof(module));
        long at = (n * Choices + choice) * _width;
        for (int b = 0; b < _width; b++)
        {
            _bytes[at + b] = (byte)(module >> (8 * b));
        }
    }
}
