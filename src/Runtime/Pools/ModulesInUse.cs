using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Which of M modules something chose, with gradient, since it was last cleared.</summary>
internal sealed class ModulesInUse(int modules)
{
    private readonly bool[] _used = new bool[modules];

    /// <summary>Whether module <paramref name="module"/> is in use.</summary>
    internal bool this[int module] => _used[module];

    /// <summary>Adds choices, of any shape.</summary>
    internal void Add(Tensor indices)
    {
        using var scope = NewDisposeScope();
        foreach (long module in TensorArrays.Vector<long>(indices))
        {
            _used[module] = true;
        }
    }

    /// <summary>Nothing is in use.</summary>
    internal void Clear() => Array.Clear(_used);

    /// <summary>The modules in use, ascending.</summary>
    internal long[] ToArray()
    {
        var used = new List<long>();
        for (int m = 0; m < _used.Length; m++)
        {
            if (_used[m])
            {
                used.Add(m);
            }
        }

        return [.. used];
    }
}
