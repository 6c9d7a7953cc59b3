using System.Runtime.CompilerServices;

namespace ModNet.Kernels;

/// <summary>Which rows of a parameter an optimiser steps, and which summands make up the gradient of each.</summary>
internal sealed unsafe class OptimiserRows
{
    // Handing fewer numbers than these to another thread costs more than it saves.
    private const long LeastWork = 1 << 15;

    // [U + 1] and [N]: the gradient of the row in place u is the sum of summands _summands[_starts[u]] to _summands[_starts[u + 1] − 1].
    private readonly int[] _starts;
    private readonly int[] _summands;
    private readonly long[] _rows;
    private readonly int _width;

    internal OptimiserRows(ReadOnlySpan<long> rows, int modules, long parameter, in OptimiserGradient gradient)
    {
        Expected.AtLeast(modules, 1, nameof(modules));
        if (parameter % modules != 0)
        {
            throw new ArgumentException($"parameter: expected [M, n] with M = {modules}, got {parameter} numbers.", nameof(parameter));
        }

        Expected.Below(rows, modules, nameof(rows), "rows", "M");
        _rows = rows.ToArray();
        _width = checked((int)(parameter / modules));
        bool whole = gradient.IsWhole;
        Expected.Length(
            gradient.Values.Length, (whole ? modules : gradient.Rows.Length) * (long)_width, nameof(gradient), whole ? "[M, n]" : "[N, n]");

        // The place of each row, without a number for every module.
        long[] sorted = [.. _rows];
        int[] placeOf = [.. Enumerable.Range(0, _rows.Length)];
        Array.Sort(sorted, placeOf);
        int Place(long row)
        {
            int found = Array.BinarySearch(sorted, row);
            return found < 0 ? -1 : placeOf[found];
        }

        int[] place = new int[gradient.Rows.Length];
        // A counting sort of the summands by the place of their row, so that a row's summands are added in the order they came in.
        _starts = new int[_rows.Length + 1];
        for (int i = 0; i < place.Length; i++)
        {
            place[i] = Place(gradient.Rows[i]);
            if (place[i] < 0)
            {
                throw new ArgumentException($"gradient: expected rows that are stepped, got {gradient.Rows[i]}.", nameof(gradient));
            }

            _starts[place[i] + 1]++;
        }

        for (int u = 0; u < _rows.Length; u++)
        {
            _starts[u + 1] += _starts[u];
        }

        int[] next = _starts[..^1];
        _summands = new int[gradient.Rows.Length];
        for (int i = 0; i < _summands.Length; i++)
        {
            _summands[next[place[i]]++] = whole ? (int)gradient.Rows[i] : i;
        }
    }

    /// <summary>Where the row in place u begins in the parameter.</summary>
    internal long Start(int u) => _rows[u] * _width;

    /// <summary>Calls body(place of a row, from, to) for all numbers of all rows, shared among threads.</summary>
    internal void Run(int threads, int lanes, Action<int, int, int> body)
    {
        int total = checked(_rows.Length * _width);
        new Partition(total, LeastWork, threads).Run(total, (_, from, to) =>
        {
            int at = Aligned(from), end = Aligned(to);
            while (at < end)
            {
                int u = at / _width, start = u * _width, until = Math.Min(end, start + _width);
                body(u, at - start, until - start);
                at = until;
            }
        });

        // Numbers that are computed in registers and those that are computed singly round differently. Rows are cut at whole registers
        // only, so that it is the same numbers of a row that are computed singly however it is cut.
        int Aligned(int at) => at == total ? at : at - at % _width % lanes;
    }

    /// <summary>A register of the gradient of the row in place u, from number i on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal V Gradient<L, V>(float* summands, int u, int i)
        where L : struct, ILanes<V>
        where V : struct
    {
        int s = _starts[u], end = _starts[u + 1];
        if (s == end)
        {
            return L.Broadcast(0f);
        }

        V sum = L.Load(summands + (long)_summands[s] * _width + i);
        for (s++; s < end; s++)
        {
            sum = L.Add(sum, L.Load(summands + (long)_summands[s] * _width + i));
        }

        return sum;
    }

    /// <summary>Number i of the gradient of the row in place u.</summary>
    internal float Gradient(float* summands, int u, int i)
    {
        float sum = 0;
        for (int s = _starts[u]; s < _starts[u + 1]; s++)
        {
            sum += summands[(long)_summands[s] * _width + i];
        }

        return sum;
    }
}
