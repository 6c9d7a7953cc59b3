using System.Runtime.Intrinsics;

namespace ModNet.Kernels;

/// <summary>Runs a <see cref="HeadTask"/>: lays out the weights, shares the datapoints among threads, sums their gradients.</summary>
internal static class HeadPass
{
    /// <summary>Lanes of the widest registers that this machine computes with.</summary>
    internal static int WidestLanes =>
        Vector512.IsHardwareAccelerated ? Lanes512.Count
        : Vector256.IsHardwareAccelerated ? Lanes256.Count
        : Lanes128.Count;

    /// <param name="task">What to do.</param>
    /// <param name="threads">At most so many threads work.</param>
    /// <param name="lanes">Register width to use: 16, 8 or 4 lanes.</param>
    internal static void Run(in HeadTask task, int threads, int lanes)
    {
        if (lanes == Lanes512.Count)
        {
            new HeadPass<Lanes512, Vector512<float>>(task, threads).Run();
        }
        else if (lanes == Lanes256.Count)
        {
            new HeadPass<Lanes256, Vector256<float>>(task, threads).Run();
        }
        else
        {
            new HeadPass<Lanes128, Vector128<float>>(task, threads).Run();
        }
    }
}

/// <inheritdoc cref="HeadPass"/>
internal sealed unsafe class HeadPass<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    private readonly HeadTask _task;
    private readonly HeadLayout _layout;
    private readonly int _blockRows;
    private readonly int _parts;
    private int _nextBlock;

    internal HeadPass(in HeadTask task, int threads)
    {
        _task = task;
        _layout = new HeadLayout(task.Vocabulary, task.Hidden, L.Count);
        int rows = HeadBlock<L, V>.Rows(task);
        _blockRows = Math.Min(rows, HeadLayout.RoundUp(Math.Max(task.Count, 1), HeadLayout.TileRows));
        Blocks = (task.Count + _blockRows - 1) / _blockRows;
        _parts = Math.Clamp(threads, 1, Math.Max(Blocks, 1));
    }

    private int Blocks { get; }

    internal void Run()
    {
        using Scratch packed = new(_layout.Length);
        float* panels = packed.Start;
        InParts(_layout.Panels, (_, from, to) =>
            _layout.Pack(_task.Weight, _task.Bias, HeadBlock<L, V>.BitsPerNat, panels, from, to));
        if (_task.WantsGradients)
        {
            Gradients(panels);
        }
        else
        {
            Score(panels);
        }
    }

    // Rows do not touch one another here, so whoever is free takes the next block: the result is the same.
    private void Score(float* panels) => InParts(_parts, (_, _, _) =>
    {
        using HeadBlock<L, V> block = new(_task, _layout, panels, null, _blockRows);
        for (int next = Take(); next < Blocks; next = Take())
        {
            block.Run(next * _blockRows);
        }
    });

    // Each part adds up the weights' gradient of its own fixed range of blocks, and the parts are added in order: the same
    // number of threads gives the same bits.
    private void Gradients(float* panels)
    {
        using Scratch gradients = new(_parts * _layout.Length);
        float* start = gradients.Start;
        InParts(Blocks, (part, from, to) =>
        {
            float* gradient = start + part * _layout.Length;
            for (int panel = 0; panel < _layout.Panels; panel++)
            {
                new Span<float>(gradient + (long)panel * _layout.PanelLength, _layout.PanelLength).Clear();
            }

            using HeadBlock<L, V> block = new(_task, _layout, panels, gradient, _blockRows);
            for (int next = from; next < to; next++)
            {
                block.Run(next * _blockRows);
            }
        });
        InParts(_layout.Panels, (_, from, to) =>
            _layout.Unpack(start, _parts, _task.WeightGradient, _task.BiasGradient, from, to));
    }

    private int Take() => Interlocked.Increment(ref _nextBlock) - 1;

    /// <summary>Cuts [0, total) into as many ranges as there are parts, the same ones every time, and runs each on a thread.</summary>
    private void InParts(int total, Action<int, int, int> body)
    {
        if (_parts == 1)
        {
            body(0, 0, total);
            return;
        }

        Parallel.For(0, _parts, new ParallelOptions { MaxDegreeOfParallelism = _parts }, part =>
            body(part, (int)((long)total * part / _parts), (int)((long)total * (part + 1) / _parts)));
    }
}
