namespace ModNet.Kernels;

/// <summary>
/// Runs a <see cref="HeadTask"/>: lays out the weights, shares the datapoints among threads, and adds up the threads' gradients.
/// </summary>
internal sealed unsafe class HeadPass<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    private readonly HeadTask _task;
    private readonly HeadLayout _layout;
    private readonly int _blockRows;
    private readonly int _blocks;
    private readonly Partition _partition;
    private int _nextBlock;

    internal HeadPass(in HeadTask task, int threads)
    {
        _task = task;
        _layout = new HeadLayout(task.Vocabulary, task.Hidden, L.Count);
        int rows = HeadBlock<L, V>.Rows(task);
        _blockRows = Math.Min(rows, Scratch.RoundUp(Math.Max(task.Count, 1), HeadLayout.TileRows));
        _blocks = (task.Count + _blockRows - 1) / _blockRows;
        _partition = new Partition(_blocks, 1, threads);
    }

    internal void Run()
    {
        using Scratch packed = new(_layout.Length);
        float* panels = packed.Take();
        _partition.Run(_layout.Panels, (_, from, to) =>
            _layout.Pack(_task.Weight, _task.Bias, Exponential.BitsPerNat, panels, from, to));
        if (_task.WantsGradients)
        {
            Gradients(panels);
        }
        else
        {
            Score(panels);
        }
    }

    // Rows do not touch one another here, so whichever thread is free may take the next block: the result is the same.
    private void Score(float* panels) => _partition.Run(_partition.Parts, (_, _, _) =>
    {
        using HeadBlock<L, V> block = new(_task, _layout, panels, null, _blockRows);
        for (int next = Take(); next < _blocks; next = Take())
        {
            block.Run(next * _blockRows);
        }
    });

    // Each part adds up the weights' gradient over its own blocks, and then the parts are added in order: the same number of threads
    // gives the same bits.
    private void Gradients(float* panels)
    {
        using Scratch gradients = new(_partition.Parts * _layout.Length);
        float* start = gradients.Take();
        _partition.Run(_blocks, (part, from, to) =>
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
        _partition.Run(_layout.Panels, (_, from, to) =>
            _layout.Unpack(start, _partition.Parts, _task.WeightGradient, _task.BiasGradient, from, to));
    }

    private int Take() => Interlocked.Increment(ref _nextBlock) - 1;
}
