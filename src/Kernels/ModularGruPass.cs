using System.Runtime.Intrinsics;

namespace ModNet.Kernels;

/// <summary>Runs a <see cref="ModularGruTask"/>: lays out the weights, shares the rows among threads, sums their gradients.</summary>
internal static class ModularGruPass
{
    /// <summary>Forward.</summary>
    /// <param name="task">What to do.</param>
    /// <param name="threads">At most so many threads work.</param>
    /// <param name="lanes">Register width to use: 16, 8 or 4 lanes.</param>
    internal static void Forward(in ModularGruTask task, int threads, int lanes)
    {
        if (lanes == Lanes512.Count)
        {
            new ModularGruPass<Lanes512, Vector512<float>>(task, threads).Forward();
        }
        else if (lanes == Lanes256.Count)
        {
            new ModularGruPass<Lanes256, Vector256<float>>(task, threads).Forward();
        }
        else
        {
            new ModularGruPass<Lanes128, Vector128<float>>(task, threads).Forward();
        }
    }

    /// <summary>Backward, with the same register width as forward.</summary>
    internal static void Backward(in ModularGruTask task, int threads, int lanes)
    {
        if (lanes == Lanes512.Count)
        {
            new ModularGruPass<Lanes512, Vector512<float>>(task, threads).Backward();
        }
        else if (lanes == Lanes256.Count)
        {
            new ModularGruPass<Lanes256, Vector256<float>>(task, threads).Backward();
        }
        else
        {
            new ModularGruPass<Lanes128, Vector128<float>>(task, threads).Backward();
        }
    }
}

/// <inheritdoc cref="ModularGruPass"/>
internal sealed unsafe class ModularGruPass<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    private readonly ModularGruTask _task;
    private readonly ModularGruLayout _layout;
    private readonly int _parts;

    internal ModularGruPass(in ModularGruTask task, int threads)
    {
        _task = task;
        _layout = new ModularGruLayout(task.Size, L.Count);
        _parts = Math.Clamp(threads, 1, Math.Max(task.Size.Rows, 1));
    }

    internal void Forward()
    {
        using Scratch packed = new(_layout.ForwardLength + _layout.BiasLength);
        float* weights = packed.Start;
        float* biases = weights + _layout.ForwardLength;
        _layout.PackForward(_task, weights);
        _layout.PackBias(_task, biases);
        InParts((_, from, to) =>
        {
            using ModularGruForward<L, V> rows = new(_task, _layout, weights, biases);
            for (int row = from; row < to; row++)
            {
                rows.Run(row);
            }
        });
    }

    // Each part adds up the gradients of its own fixed range of rows, and the parts are added in order: the same number of
    // threads gives the same bits.
    internal void Backward()
    {
        int gradient = _layout.BackwardLength + _layout.BiasLength;
        using Scratch packed = new(_layout.BackwardLength + (long)_parts * gradient);
        float* weights = packed.Start;
        float* gradients = weights + _layout.BackwardLength;
        _layout.PackBackward(_task, weights);
        InParts((part, from, to) =>
        {
            float* own = gradients + (long)part * gradient;
            new Span<float>(own, gradient).Clear();
            using ModularGruBackward<L, V> rows = new(_task, _layout, weights, own);
            for (int row = from; row < to; row++)
            {
                rows.Run(row);
            }
        });
        _layout.Unpack(gradients, _parts, _task.Gradients);
    }

    /// <summary>Cuts the rows into as many ranges as there are parts, the same ones every time, and runs each on a thread.</summary>
    private void InParts(Action<int, int, int> body)
    {
        int rows = _task.Size.Rows;
        if (_parts == 1)
        {
            body(0, 0, rows);
            return;
        }

        Parallel.For(0, _parts, new ParallelOptions { MaxDegreeOfParallelism = _parts }, part =>
            body(part, (int)((long)rows * part / _parts), (int)((long)rows * (part + 1) / _parts)));
    }
}
