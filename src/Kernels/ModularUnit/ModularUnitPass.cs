namespace ModNet.Kernels;

/// <summary>Runs a <see cref="ModularUnitTask"/>: shares its parts among threads.</summary>
internal sealed unsafe class ModularUnitPass<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    // Handing fewer multiply-adds than these to another thread costs more than it saves.
    private const long LeastWork = 1 << 17;

    // Writing a module's gradient costs about as much as so many rows of the module.
    private const int Writing = 4;

    private readonly ModularUnitTask _task;
    private readonly ModularUnitLayout _layout;
    private readonly Partition _partition;

    internal ModularUnitPass(in ModularUnitTask task, int threads)
    {
        _task = task;
        _layout = new(task.Size, task.Planes, L.Count);
        long products = task.Size.Stages.Where(s => s.HasParameters).Sum(s => s.FirstLength);
        _partition = new((task.Size.Choices + (long)Writing * task.Segments.Modules.Length) * products, LeastWork, threads);
    }

    internal void Forward() => Run(_task.Size.Choices, (worker, from, to) => worker.Forward(from, to));

    /// <summary>First the gradients in all rows, also those between stages; then, from them, those in the parameters.</summary>
    internal void Backward()
    {
        RowGradients();
        ModuleGradients();
        if (_task.Dense)
        {
            ClearUnused();
        }
    }

    // Several choices of one row may run on different threads. So each choice's gradient gets a place of its own, and they are added up
    // afterwards.
    private void RowGradients()
    {
        if (_task.Size.Choose == 1 || _task.XGradient is null)
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
                for (int stage = 0; stage < _task.Size.Stages.Count; stage++)
                {
                    if (_task.Size.Stages[stage].HasParameters)
                    {
                        int outputs = _task.Size.Stages[stage].Outputs;
                        int first = ModularLinearLayout.Cut(outputs, from - start, length);
                        int last = ModularLinearLayout.Cut(outputs, to - start, length);
                        if (first < last)
                        {
                            worker.ModuleGradients(stage, segment, first, last);
                        }
                    }
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
                    foreach (UnitArrays gradients in _task.Gradients)
                    {
                        Clear(gradients.First, module);
                        Clear(gradients.Second, module);
                    }
                }
            }
        });

        void Clear(FixedFloats gradient, int module)
        {
            int length = gradient.Length / _task.Size.Modules;
            new Span<float>(gradient.Start + (long)module * length, length).Clear();
        }
    }

    private void Run(int length, Action<ModularUnitWorker<L, V>, int, int> body) => _partition.Run(length, (_, from, to) =>
    {
        using ModularUnitWorker<L, V> worker = new(_task, _layout);
        body(worker, from, to);
    });
}
