using System.Buffers;
using System.Numerics;

namespace ModNet.Kernels;

/// <summary>
/// One thread's share of a linear map that skips zeros. For each tile of rows it lists the inputs to take. Where the rows leave different inputs out,
/// each row is computed with a list of its own; where that saves little, the rows are computed together, and each weight is read once for all of them.
/// </summary>
internal sealed unsafe class SkippingLinearWorker<L, V> : IDisposable
    where L : struct, ILanes<V>
    where V : struct
{
    /// <summary>How many rows a tile has.</summary>
    internal const int Tile = 4;

    // A multiply-add of a single row takes about so many times as long as one of a tile, which reads a weight once for all its rows.
    private const int SingleRow = 2;

    private readonly SkippingLinearTask _task;
    private readonly SkippingLinear _map;
    private readonly int[] _lists;
    private readonly Scratch _scratch;
    private readonly float* _outputs;

    internal SkippingLinearWorker(in SkippingLinearTask task)
    {
        (_task, _map) = (task, task.Map);
        _lists = ArrayPool<int>.Shared.Rent(checked((Tile + 1) * _map.Inputs));
        _scratch = new((long)Tile * _map.Stride);
        _outputs = _scratch.Take();
    }

    /// <summary>Computes the rows of tiles [from, to).</summary>
    internal void Forward(int from, int to)
    {
        Span<int> counts = stackalloc int[Tile];
        fixed (int* lists = _lists)
        {
            for (int tile = from; tile < to; tile++)
            {
                int first = tile * Tile, rows = Math.Min(Tile, _task.Rows - first);
                float* x = _task.X + (long)first * _map.Inputs;
                long alone = 0;
                for (int r = 0; r < rows; r++)
                {
                    counts[r] = Find(x + (long)r * _map.Inputs, 1, lists + r * _map.Inputs);
                    alone += counts[r];
                }

                int* union = lists + Tile * _map.Inputs;
                int together = rows == Tile ? Together(x, union, alone) : 0;
                if (together > 0)
                {
                    Products<Four>(union, together, x, first);
                    continue;
                }

                for (int r = 0; r < rows; r++)
                {
                    Products<One>(lists + r * _map.Inputs, counts[r], x + (long)r * _map.Inputs, first + r);
                }
            }
        }
    }

    public void Dispose()
    {
        _scratch.Dispose();
        ArrayPool<int>.Shared.Return(_lists);
    }

    // How many inputs the rows take together, listed; 0 where they had better be computed one by one.
    private int Together(float* x, int* list, long alone)
    {
        // With few inputs, the union is hardly ever worth looking for.
        if (SingleRow * alone < _map.Inputs)
        {
            return 0;
        }

        int count = Find(x, Tile, list);
        return (long)Tile * count <= SingleRow * alone ? count : 0;
    }

    // Lists the inputs of blocks in which any of these rows has a number other than 0, ascending.
    private int Find(float* x, int rows, int* list)
    {
        int inputs = _map.Inputs, block = _map.Block, count = 0, done = 0;
        for (int i = 0; i < inputs; i += L.Count)
        {
            uint mask = i + L.Count <= inputs ? Mask(x + i, rows) : Rest(x + i, rows, inputs - i);
            if (block == 1)
            {
                for (; mask != 0; mask &= mask - 1)
                {
                    list[count++] = i + BitOperations.TrailingZeroCount(mask);
                }

                continue;
            }

            mask = After(mask, done - i);
            while (mask != 0)
            {
                int start = (i + BitOperations.TrailingZeroCount(mask)) & -block;
                done = Math.Min(start + block, inputs);
                for (int input = start; input < done; input++)
                {
                    list[count++] = input;
                }

                mask = After(mask, done - i);
            }
        }

        return count;
    }

    // The mask without its first so many bits.
    private static uint After(uint mask, int bits) => bits <= 0 ? mask : bits >= 32 ? 0 : mask >> bits << bits;

    private uint Mask(float* x, int rows)
    {
        uint mask = L.NonZero(L.Load(x));
        for (int r = 1; r < rows; r++)
        {
            mask |= L.NonZero(L.Load(x + (long)r * _map.Inputs));
        }

        return mask;
    }

    private uint Rest(float* x, int rows, int length)
    {
        uint mask = 0;
        for (int r = 0; r < rows; r++)
        {
            for (int i = 0; i < length; i++)
            {
                mask |= x[(long)r * _map.Inputs + i] == 0f ? 0u : 1u << i;
            }
        }

        return mask;
    }

    // The outputs of R rows from the first on, by the inputs in the list.
    private void Products<R>(int* list, int count, float* x, int first)
        where R : struct, IExtent
    {
        float* y = _task.Y + (long)first * _map.Outputs;
        // Whole registers are written, so the last outputs may need more room than there is.
        bool direct = _map.Outputs % L.Count == 0;
        float* target = direct ? y : _outputs;
        int stride = direct ? _map.Outputs : _map.Stride;
        int width = Scratch.RoundUp(_map.Outputs, L.Count), at = 0;
        for (; R.Value == 1 && at + SkippingLinearTiles<L, V>.Wide * L.Count <= width; at += SkippingLinearTiles<L, V>.Wide * L.Count)
        {
            SkippingLinearTiles<L, V>.Row(list, count, x, _map.Weight + at, _map.Stride, _map.Bias + at, target + at);
        }

        for (; at + 4 * L.Count <= width; at += 4 * L.Count)
        {
            Tiles<R, Four>(list, count, x, at, target, stride);
        }

        switch ((width - at) / L.Count)
        {
            case 1: Tiles<R, One>(list, count, x, at, target, stride); break;
            case 2: Tiles<R, Two>(list, count, x, at, target, stride); break;
            case 3: Tiles<R, Three>(list, count, x, at, target, stride); break;
        }

        for (int r = 0; !direct && r < R.Value; r++)
        {
            new ReadOnlySpan<float>(target + (long)r * stride, _map.Outputs).CopyTo(new(y + (long)r * _map.Outputs, _map.Outputs));
        }
    }

    private void Tiles<R, C>(int* list, int count, float* x, int at, float* y, int stride)
        where R : struct, IExtent
        where C : struct, IExtent =>
        SkippingLinearTiles<L, V>.Products<R, C>(
            list, count, x, _map.Inputs, _map.Weight + at, _map.Stride, _map.Bias + at, y + at, stride);
}
