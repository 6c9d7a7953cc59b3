namespace ModNet.Kernels;

/// <summary>
/// Runs a <see cref="ModularGruTask"/>: lays out the weights, shares the rows among threads, and adds up the threads' gradients.
/// </summary>
internal sealed unsafe class ModularGruPass<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    private readonly ModularGruTask _task;
    private readonly ModularGruLayout _layout;
    private readonly Partition _partition;

    internal ModularGruPass(in ModularGruTask task, int threads)
    {
        _task = task;
        _layout = new ModularGruLayout(task.Size, L.Count);
        _partition = new Partition(task.Size.Rows, 1, threads);
    }

    internal void Forward()
    {
        using Scratch packed = new(_layout.ForwardLength, _layout.BiasLength);
        float* weights = packed.Take(), biases = packed.Take();
        _layout.PackForward(_task.Weights, weights);
        _layout.PackBias(_task.Weights, biases);
        _partition.Run(_task.Size.Rows, (_, from, to) =>
        {
            using ModularGruForward<L, V> rows = new(_task, _layout, weights, biases);
            for (int row = from; row < to; row++)
            {
                rows.Run(row);
            }
        });
    }

    // Each part adds up the gradients over its own rows, and then the parts are added in order: the same number of threads gives the
    // same bits.
    internal void Backward()
    {
        int gradient = _layout.BackwardLength + _layout.BiasLength;
        using Scratch packed = new(_layout.BackwardLength, (long)_partition.Parts * gradient);
        float* weights = packed.Take(), gradients = packed.Take();
        _layout.PackBackward(_task.Weights, weights);
        _partition.Run(_task.Size.Rows, (part, from, to) =>
        {
            float* own = gradients + (long)part * gradient;
            new Span<float>(own, gradient).Clear();
            using ModularGruBackward<L, V> rows = new(_task, _layout, weights, own);
            for (int row = from; row < to; row++)
            {
                rows.Run(row);
            }
        });
        _layout.Unpack(gradients, _partition.Parts, _task.Gradients);
    }
}
