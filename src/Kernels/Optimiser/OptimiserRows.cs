namespace ModNet.Kernels;

/// <summary>Steps numbers [from, to) of the row in place u, where <paramref name="gradient"/>[i] is the gradient of number i of the row.</summary>
internal unsafe delegate void OptimiserStep(int u, int from, int to, float* gradient);

/// <summary>Which rows of a parameter an optimiser steps, and which summands, or which factors, make up the gradient of each.</summary>
internal sealed unsafe class OptimiserRows
{
    // Handing fewer numbers than these to another thread costs more than it saves.
    private const long LeastWork = 1 << 15;

    // To step the numbers of a module costs about as much as to multiply so many rows by them.
    private const int Stepping = 16;

    // How many numbers of a gradient are added up before they are used: as many as lie in the first-level cache beside what is stepped.
    private const int AddedAtOnce = 1 << 10;

    // How many numbers of a gradient are made from factors before they are used: as many as the second-level cache holds beside what is stepped.
    private const int MadeAtOnce = 1 << 15;

    // [U + 1] and [N]: the gradient of the row in place u is the sum of summands _summands[_starts[u]] to _summands[_starts[u + 1] − 1].
    private readonly int[] _starts;
    private readonly int[] _summands;
    private readonly long[] _rows;
    private readonly int _width;
    private float* _values;

    // Where gradients are made from factors: what they are, and the segment of the choices of the row in place u, or −1.
    private readonly int[]? _segments;
    private ModularLinearTask _factors;

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
        _starts = new int[_rows.Length + 1];
        _summands = new int[gradient.Rows.Length];
        PlacesOfRows places = new(_rows);
        if (gradient.Factors.AreGiven)
        {
            _segments = Segments(gradient, modules, places);
            return;
        }

        bool whole = gradient.IsWhole;
        Expected.Length(
            gradient.Values.Length, (whole ? modules : gradient.Rows.Length) * (long)_width, nameof(gradient), whole ? "[M, n]" : "[N, n]");
        int[] place = new int[gradient.Rows.Length];
        // A counting sort of the summands by the place of their row, so that a row's summands are added in the order they came in.
        for (int i = 0; i < place.Length; i++)
        {
            place[i] = places.Of(gradient.Rows[i]);
            _starts[place[i] + 1]++;
        }

        for (int u = 0; u < _rows.Length; u++)
        {
            _starts[u + 1] += _starts[u];
        }

        int[] next = _starts[..^1];
        for (int i = 0; i < _summands.Length; i++)
        {
            _summands[next[place[i]]++] = whole ? (int)gradient.Rows[i] : i;
        }
    }

    /// <summary>Where the row in place u begins in the parameter.</summary>
    internal long Start(int u) => _rows[u] * _width;

    /// <summary>Says where the summands lie, or the factors that gradients are made from, as long as the step runs.</summary>
    internal void Pin(float* values, float* x, float* output, float* upstream)
    {
        _values = values;
        if (_segments is not null)
        {
            _factors = _factors with { X = x, Output = output, Upstream = upstream };
        }
    }

    /// <summary>Calls step for all numbers of all rows, shared among threads.</summary>
    internal void Run<L, V>(int threads, OptimiserStep step)
        where L : struct, ILanes<V>
        where V : struct
    {
        if (_segments is not null)
        {
            RunFromFactors<L, V>(threads, step);
            return;
        }

        int total = checked(_rows.Length * _width);
        new Partition(total, LeastWork, threads).Run(total, (_, from, to) =>
        {
            while (from < to)
            {
                int u = from / _width, start = u * _width, until = Math.Min(to, start + _width);
                RunFromSummands<L, V>(u, from - start, until - start, step);
                from = until;
            }
        });
    }

    // Adds up the gradient of numbers [from, to) of the row in place u, a part at a time, in the order of its summands, and steps them. One summand is taken where it lies.
    private void RunFromSummands<L, V>(int u, int from, int to, OptimiserStep step)
        where L : struct, ILanes<V>
        where V : struct
    {
        ReadOnlySpan<int> summands = _summands.AsSpan(_starts[u].._starts[u + 1]);
        if (summands.Length == 1)
        {
            step(u, from, to, _values + (long)summands[0] * _width);
            return;
        }

        float* sum = stackalloc float[AddedAtOnce];
        for (int i = from; i < to; i += AddedAtOnce)
        {
            int length = Math.Min(AddedAtOnce, to - i);
            if (summands.IsEmpty)
            {
                new Span<float>(sum, length).Clear();
            }
            else
            {
                LaneRows<L, V>.Copy(_values + (long)summands[0] * _width + i, sum, length);
                foreach (int next in summands[1..])
                {
                    LaneRows<L, V>.Add(_values + (long)next * _width + i, sum, length);
                }
            }

            step(u, i, i + length, sum - i);
        }
    }

    // Sorts the choices by module, and says which segment of them each row has.
    private int[] Segments(in OptimiserGradient gradient, int modules, PlacesOfRows places)
    {
        LinearFactors factors = gradient.Factors;
        factors.Check();
        Expected.Length(factors.Size.Modules, modules, nameof(modules), "the factors' M");
        Expected.Length(factors.Size.WeightLength, _width, nameof(gradient), "in · out");
        ModularSegments segments = new(factors.Indices, modules);
        _factors = new() { Size = factors.Size, Segments = segments };
        int[] of = new int[_rows.Length];
        Array.Fill(of, -1);
        for (int segment = 0; segment < segments.Modules.Length; segment++)
        {
            of[places.Of(segments.Modules[segment])] = segment;
        }

        return of;
    }

    // Makes a part of a module's gradient and steps the numbers it belongs to while the caches hold it. Cuts lie between outputs, and a number is the same wherever they
    // lie.
    private void RunFromFactors<L, V>(int threads, OptimiserStep step)
        where L : struct, ILanes<V>
        where V : struct
    {
        int inputs = _factors.Size.Inputs, outputs = _factors.Size.Outputs;
        int atOnce = Math.Max(ModularLinearLayout.Tile, MadeAtOnce / inputs / ModularLinearLayout.Tile * ModularLinearLayout.Tile);
        // Where the work on each row begins.
        int[] begins = new int[_rows.Length + 1];
        for (int u = 0; u < _rows.Length; u++)
        {
            int segment = _segments![u], choices = segment < 0 ? 0 : _factors.Segments.Starts[segment + 1] - _factors.Segments.Starts[segment];
            begins[u + 1] = checked(begins[u] + choices + Stepping);
        }

        ModularLinearLayout layout = new(_factors.Size, L.Count);
        new Partition((long)begins[^1] * _width, LeastWork * Stepping, threads).Run(begins[^1], (_, from, to) =>
        {
            using ModularLinearWorker<L, V> worker = new(_factors, layout);
            using Scratch scratch = new((long)Math.Min(atOnce, outputs) * inputs);
            float* made = scratch.Take();
            int found = Array.BinarySearch(begins, from);
            for (int u = found >= 0 ? found : ~found - 1; u < _rows.Length && begins[u] < to; u++)
            {
                int length = begins[u + 1] - begins[u];
                int first = ModularLinearLayout.Cut(outputs, from - begins[u], length), last = ModularLinearLayout.Cut(outputs, to - begins[u], length);
                if (_segments![u] < 0)
                {
                    RunFromSummands<L, V>(u, first * inputs, last * inputs, step);
                    continue;
                }

                for (int o = first; o < last; o += atOnce)
                {
                    int end = Math.Min(o + atOnce, last);
                    worker.WeightGradient(_segments[u], o, end, made);
                    step(u, o * inputs, end * inputs, made - (long)o * inputs);
                }
            }
        });
    }

    // The place of each row, without a number for every module.
    private readonly struct PlacesOfRows
    {
        private readonly long[] _sorted;
        private readonly int[] _places;

        internal PlacesOfRows(long[] rows)
        {
            _sorted = [.. rows];
            _places = [.. Enumerable.Range(0, rows.Length)];
            Array.Sort(_sorted, _places);
        }

        internal int Of(long row)
        {
            int found = Array.BinarySearch(_sorted, row);
            return found >= 0
                ? _places[found]
                : throw new ArgumentException($"gradient: expected rows that are stepped, got {row}.", "gradient");
        }
    }
}
