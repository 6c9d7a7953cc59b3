using System.Buffers;
using System.Runtime.InteropServices;

namespace ModNet.Kernels;

/// <summary>
/// Which of the rows [N, H], each with a class, are one before them again, bit for bit: candidates of an E-step are, up to the first
/// choice in which they differ. Tables are rented.
/// </summary>
internal sealed class EqualRows : IDisposable
{
    // Odd and without pattern: 2^64 by the golden ratio.
    private const ulong Mixer = 0x9E3779B97F4A7C15;

    private readonly int[] _firsts;
    private readonly int[] _places;
    private readonly int _rows;

    internal EqualRows(ReadOnlySpan<float> h, ReadOnlySpan<long> classes, int width)
    {
        _rows = classes.Length;
        _firsts = ArrayPool<int>.Shared.Rent(_rows);
        _places = ArrayPool<int>.Shared.Rent(_rows);
        int bits = 1;
        while (1 << bits < 2 * _rows)
        {
            bits++;
        }

        // By open addressing: the number of a distinct row, from 1; 0 where there is none yet.
        int[] table = ArrayPool<int>.Shared.Rent(1 << bits);
        Array.Clear(table, 0, 1 << bits);
        for (int n = 0; n < _rows; n++)
        {
            ReadOnlySpan<float> row = h.Slice(n * width, width);
            int slot = (int)(Hash(row, classes[n]) >> (64 - bits));
            while (table[slot] != 0 && !IsSame(h, classes, width, row, classes[n], _firsts[table[slot] - 1]))
            {
                slot = (slot + 1) & ((1 << bits) - 1);
            }

            if (table[slot] == 0)
            {
                _firsts[Count++] = n;
                table[slot] = Count;
            }

            _places[n] = table[slot] - 1;
        }

        ArrayPool<int>.Shared.Return(table);
    }

    /// <summary>D: how many are distinct.</summary>
    internal int Count { get; private set; }

    /// <summary>[D]: the first row of each kind.</summary>
    internal ReadOnlySpan<int> Firsts => _firsts.AsSpan(0, Count);

    /// <summary>[N]: which of those a row is.</summary>
    internal ReadOnlySpan<int> Places => _places.AsSpan(0, _rows);

    public void Dispose()
    {
        ArrayPool<int>.Shared.Return(_firsts);
        ArrayPool<int>.Shared.Return(_places);
    }

    private static bool IsSame(
        ReadOnlySpan<float> h, ReadOnlySpan<long> classes, int width, ReadOnlySpan<float> row, long itsClass, int other) =>
        classes[other] == itsClass
        && MemoryMarshal.AsBytes(row).SequenceEqual(MemoryMarshal.AsBytes(h.Slice(other * width, width)));

    private static ulong Hash(ReadOnlySpan<float> row, long itsClass)
    {
        ulong hash = (ulong)itsClass * Mixer;
        foreach (ulong two in MemoryMarshal.Cast<float, ulong>(row))
        {
            hash = ((hash >> 32) ^ hash ^ two) * Mixer;
        }

        if (row.Length % 2 != 0)
        {
            hash = ((hash >> 32) ^ hash ^ BitConverter.SingleToUInt32Bits(row[^1])) * Mixer;
        }

        return hash;
    }
}
