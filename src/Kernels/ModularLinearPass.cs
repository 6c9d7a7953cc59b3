using System.Runtime.Intrinsics;

namespace ModNet.Kernels;

/// <summary>Runs a <see cref="ModularLinearTask"/>: shares it among threads in fixed parts.</summary>
internal static class ModularLinearPass
{
    /// <summary>Forward.</summary>
    /// <param name="task">What to do.</param>
    /// <param name="threads">At most so many threads work.</param>
    /// <param name="lanes">Widest register to use: 16, 8 or 4 lanes.</param>
    internal static void Forward(in ModularLinearTask task, int threads, int lanes)
    {
        switch (Lanes(task.Size, lanes))
        {
            case 16:
                new ModularLinearPass<Lanes512, Vector512<float>>(task, threads).Forward();
                break;
            case 8:
                new ModularLinearPass<Lanes256, Vector256<float>>(task, threads).Forward();
                break;
            default:
                new ModularLinearPass<Lanes128, Vector128<float>>(task, threads).Forward();
                break;
        }
    }

    /// <summary>Backward.</summary>
    internal static void Backward(in ModularLinearTask task, int threads, int lanes)
    {
        switch (Lanes(task.Size, lanes))
        {
            case 16:
                new ModularLinearPass<Lanes512, Vector512<float>>(task, threads).Backward();
                break;
            case 8:
                new ModularLinearPass<Lanes256, Vector256<float>>(task, threads).Backward();
                break;
            default:
                new ModularLinearPass<Lanes128, Vector128<float>>(task, threads).Backward();
                break;
        }
    }

    // A narrower register holds a narrow row with less to spare.
    private static int Lanes(in ModularLinearSize size, int lanes) =>
        Math.Min(lanes, size.Inputs <= 4 ? 4 : size.Inputs <= 8 ? 8 : 16);
}

/// <inheritdoc cref="ModularLinearPass"/>
internal sealed unsafe class ModularLinearPass<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    // Multiply-adds of a part below which handing it to another thread costs more than it saves.
    private const long LeastWork = 1 << 17;

    // What a module's gradient costs beside its rows, in rows: it is written once.
    private const int Writing = 4;

    private readonly ModularLinearTask _task;
    private readonly ModularLinearLayout _layout;
    private readonly int _parts;

    internal ModularLinearPass(in ModularLinearTask task, int threads)
    {
        _task = task;
        _layout = new(task.Size, L.Count);
        long work = (task.Size.Choices + (long)Writing * task.Segments.Modules.Length) * task.Size.WeightLength;
        _parts = (int)Math.Clamp(work / LeastWork, 1, threads);
    }

    internal void Forward() => InParts(_task.Size.Choices, (worker, from, to) => worker.Forward(from, to));

    internal void Backward()
    {
        if (_task.XGradient is not null)
        {
            RowGradients();
        }

        ModuleGradients();
        if (_task.Dense)
        {
            Clear();
        }
    }

    // Several choices of a row may run on different threads, so each has its own place, and they are added up after.
    private void RowGradients()
    {
        if (_task.Size.Choose == 1)
        {
            InParts(_task.Size.Choices, (worker, from, to) => worker.RowGradients(from, to, _task.XGradient));
            return;
        }

        using Scratch each = new((long)_task.Size.Choices * _task.Size.Inputs);
        float* gradients = each.Start;
        InParts(_task.Size.Choices, (worker, from, to) => worker.RowGradients(from, to, gradients));
        InParts(_task.Size.Rows, (worker, from, to) => worker.SumChoices(from, to, gradients));
    }

    // Parts are cut between outputs, also of one module: every number is one thread's.
    private void ModuleGradients()
    {
        int[] starts = _task.Segments.Starts;
        int tiles = (_task.Size.Outputs + ModularLinearLayout.Tile - 1) / ModularLinearLayout.Tile;
        int segments = _task.Segments.Modules.Length;
        int work = checked(_task.Size.Choices + Writing * segments);
        InParts(work, (worker, from, to) =>
        {
            for (int segment = 0; segment < segments; segment++)
            {
                int start = starts[segment] + Writing * segment;
                int length = starts[segment + 1] - starts[segment] + Writing;
                int first = Output(from), last = Output(to);
                if (first < last)
                {
                    worker.ModuleGradients(segment, first, last);
                }

                int Output(int place) => Math.Min(
                    _task.Size.Outputs,
                    (int)((long)Math.Clamp(place - start, 0, length) * tiles / length) * ModularLinearLayout.Tile);
            }
        });
    }

    private void Clear()
    {
        var inUse = new bool[_task.Size.Modules];
        foreach (int module in _task.Segments.Modules)
        {
            inUse[module] = true;
        }

        InParts(_task.Size.Modules, (_, from, to) =>
        {
            for (int module = from; module < to; module++)
            {
                if (!inUse[module])
                {
                    new Span<float>(
                        _task.WeightGradient + module * _task.Size.WeightLength, checked((int)_task.Size.WeightLength)).Clear();
                    if (_task.BiasGradient is not null)
                    {
                        new Span<float>(_task.BiasGradient + (long)module * _task.Size.Outputs, _task.Size.Outputs).Clear();
                    }
                }
            }
        });
    }

    /// <summary>Cuts [0, length) into as many ranges as there are parts and runs each on a thread.</summary>
    private void InParts(int length, Action<ModularLinearWorker<L, V>, int, int> body)
    {
        if (_parts == 1)
        {
            Run(0);
        }
        else
        {
            Parallel.For(0, _parts, new ParallelOptions { MaxDegreeOfParallelism = _parts }, Run);
        }

        void Run(int part)
        {
            using ModularLinearWorker<L, V> worker = new(_task, _layout);
            body(worker, (int)((long)length * part / _parts), (int)((long)length * (part + 1) / _parts));
        }
    }
}
