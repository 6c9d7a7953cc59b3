using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Which of M modules were chosen, in passes with gradient, since the last call of <see cref="Clear"/>.</summary>
internal sealed class ModulesInUse(int modules)
{
    private readonly bool[] _used = new bool[modules];

    /// <summary>Whether module <paramref name="module"/> is in use.</summary>
    internal bool this[int module] => _used[module];

    /// <summary>Adds the chosen modules, in a tensor of any shape.</summary>
    internal void Add(Tensor indices)
    {
        using var scope = NewDisposeScope();
        foreach (long module in TensorArrays.Vector<long>(indices))
        {
            _used[module] = true;
        }
    }

    /// <summary>Adds a module.</summary>
    internal void Add(int module) => _used[module] = true;

    /// <summary>Forgets all modules.</summary>
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
