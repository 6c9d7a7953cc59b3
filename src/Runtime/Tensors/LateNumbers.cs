using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Numbers that nobody needs to know at once, such as metrics. On the CPU they are taken at once. On an accelerator they stay there until <see cref="Read"/> takes all
/// by one read.
/// </summary>
internal sealed class LateNumbers
{
    private readonly List<(Tensor[] Numbers, Action<double[][]> Take)> _waiting = [];

    /// <summary>How many times numbers were given that have not been read.</summary>
    internal int Count => _waiting.Count;

    /// <summary>Gives <paramref name="take"/> the values of <paramref name="numbers"/>, now or later.</summary>
    internal void Add(Tensor[] numbers, Action<double[][]> take)
    {
        if (!Accelerator.Holds(numbers[0]))
        {
            take(Array.ConvertAll(numbers, TensorArrays.Vector<double>));
            return;
        }

        _waiting.Add((Array.ConvertAll(numbers, n => n.detach().clone().DetachFromDisposeScope()), take));
    }

    /// <summary>Reads what has been given since the last time, and hands it over in the order in which it was given.</summary>
    internal void Read(Wait wait)
    {
        if (_waiting.Count == 0)
        {
            return;
        }

        (Tensor[] Numbers, Action<double[][]> Take)[] waiting = [.. _waiting];
        _waiting.Clear();
        double[][] values = FromDevice.Vectors([.. waiting.SelectMany(w => w.Numbers)], wait);
        int start = 0;
        foreach ((Tensor[] numbers, Action<double[][]> take) in waiting)
        {
            Array.ForEach(numbers, n => n.Dispose());
            take(values[start..(start += numbers.Length)]);
        }
    }
}
