namespace ModNet.Kernels;

/// <summary>Runs a <see cref="ModularLinearTask"/>: shares its parts among threads.</summary>
internal sealed unsafe class ModularLinearPass<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    // Handing fewer multiply-adds than these to another thread costs more than it saves.
    private const long LeastWork = 1 << 17;

    // Writing a module's gradient costs about as much as so many rows of the module.
    private const int Writing = 4;

    private readonly ModularLinearTask _task;
    private readonly ModularLinearLayout _layout;
    private readonly Partition _partition;

    internal ModularLinearPass(in ModularLinearTask task, int threads)
    {
        _task = task;
        _layout = new(task.Size, L.Count);
        long work = (task.Size.Choices + (long)Writing * task.Segments.Modules.Length) * task.Size.WeightLength;
        _partition = new(work, LeastWork, threads);
    }

    internal void Forward() => Run(_task.Size.Choices, (worker, from, to) => worker.Forward(from, to));

    internal void Backward()
    {
        if (_task.XGradient is not null)
        {
            RowGradients();
        }

        if (_task.WeightGradient is not null || _task.BiasGradient is not null)
        {
            ModuleGradients();
        }

        if (_task.Dense)
        {
            ClearUnused();
        }
    }

    // Several choices of one row may run on different threads. So each choice's gradient gets a place of its own, and they are added up
    // afterwards.
    private void RowGradients()
    {
        if (_task.Size.Choose == 1)
        {
            Run(_task.Size.Choices, (worker, from, to) => worker.RowGradients(from, to, _task.XGradient));
            return;
        }

        using Scratch each = new((long)_task.Size.Choices * _task.Size.Inputs);
        float* gradients = each.Take();
        Run(_task.Size.Choices, (worker, from, to) => worker.RowGradients(from, to, gradients));
        _partition.Run(_task.Size.Rows, (_, from, to) =>
            LaneRows<L, V>.SumChoices(gradients, _task.Size.Choose, _task.XGradient, _task.Size.Inputs, from, to));
    }

    // Cuts lie between outputs, also between those of one module, so that every number of a gradient is one thread's alone.
    private void ModuleGradients()
    {
        int[] starts = _task.Segments.Starts;
        int segments = _task.Segments.Modules.Length;
        int work = checked(_task.Size.Choices + Writing * segments);
        Run(work, (worker, from, to) =>
        {
            for (int segment = 0; segment < segments; segment++)
            {
                int start = starts[segment] + Writing * segment;
                int length = starts[segment + 1] - starts[segment] + Writing;
                int first = ModularLinearLayout.Cut(_task.Size.Outputs, from - start, length);
                int last = ModularLinearLayout.Cut(_task.Size.Outputs, to - start, length);
                if (first < last)
                {
                    worker.ModuleGradients(segment, first, last);
                }
            }
        });
    }

    private void ClearUnused()
    {
        bool[] inUse = _task.Segments.InUse(_task.Size.Modules);
        _partition.Run(inUse.Length, (_, from, to) =>
        {
            for (int module = from; module < to; module++)
            {
                if (!inUse[module])
                {
                    int length = checked((int)_task.Size.WeightLength);
                    if (_task.WeightGradient is not null)
                    {
                        new Span<float>(_task.WeightGradient + (long)module * length, length).Clear();
                    }

                    if (_task.BiasGradient is not null)
                    {
                        new Span<float>(_task.BiasGradient + (long)module * _task.Size.Outputs, _task.Size.Outputs).Clear();
                    }
                }
            }
        });
    }

    private void Run(int length, Action<ModularLinearWorker<L, V>, int, int> body) => _partition.Run(length, (_, from, to) =>
    {
        using ModularLinearWorker<L, V> worker = new(_task, _layout);
        body(worker, from, to);
    });
}
