namespace ModNet.Kernels;

/// <summary>Runs a <see cref="ModularConvolutionTask"/>: shares images among threads, and adds up what they have of the modules' gradients.</summary>
internal sealed unsafe class ModularConvolutionPass<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    // Handing fewer multiply-adds than these to another thread costs more than it saves.
    private const long LeastWork = 1 << 17;

    private readonly ModularConvolutionTask _task;
    private readonly ModularConvolutionLayout _layout;
    private readonly Partition _partition;

    internal ModularConvolutionPass(in ModularConvolutionTask task, int threads)
    {
        _task = task;
        _layout = new(task.Size, L.Count);
        // To lay the windows out costs about as much as another module.
        long modules = 1 + Math.Min((long)task.Size.Modules, task.Size.Positions);
        _partition = new(task.Size.Rows * modules * task.Size.WeightLength * task.Size.Places, LeastWork, threads);
    }

    internal void Forward() => _partition.Run(_task.Size.Rows, (_, from, to) =>
    {
        using ModularConvolutionWorker<L, V> worker = new(_task, _layout);
        for (int row = from; row < to; row++)
        {
            worker.Forward(row);
        }
    });

    internal void Backward()
    {
        using ModularConvolutionSums sums = new(_task);
        _partition.Run(sums.Blocks, (_, from, to) =>
        {
            using ModularConvolutionWorker<L, V> worker = new(_task, _layout);
            for (int block = from; block < to; block++)
            {
                sums.Clear(block);
                for (int row = sums.Row(block); row < sums.Row(block + 1); row++)
                {
                    worker.Backward(row, sums, block);
                }
            }
        });
        if (sums.Wanted)
        {
            _partition.Run(_task.GradientModules.Length, (_, from, to) =>
            {
                for (int i = from; i < to; i++)
                {
                    AddUp(sums, i);
                }
            });
        }
    }

    private void AddUp(ModularConvolutionSums sums, int gradient)
    {
        (int weights, int outputs) = (_task.Size.WeightLength, _task.Size.Outputs);
        float* weight = _task.WeightGradient + (long)gradient * weights;
        float* bias = _task.BiasGradient is null ? null : _task.BiasGradient + (long)gradient * outputs;
        new Span<float>(weight, weights).Clear();
        new Span<float>(bias, bias is null ? 0 : outputs).Clear();
        for (int block = 0; block < sums.Blocks; block++)
        {
            float* part = sums.Part(block, _task.GradientModules[gradient]);
            if (part is not null)
            {
                ModularConvolutionWindows<L, V>.Add(part, weight, weights);
                if (bias is not null)
                {
                    ModularConvolutionWindows<L, V>.Add(part + weights, bias, outputs);
                }
            }
        }
    }
}
