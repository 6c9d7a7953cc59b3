using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Which of M modules were chosen, in passes with gradient, since the last call of <see cref="Clear"/>. What it costs follows the modules in use.</summary>
internal sealed class ModulesInUse(int modules)
{
    private readonly bool[] _used = new bool[modules];
    private readonly List<int> _all = [];

    /// <summary>Whether module <paramref name="module"/> is in use.</summary>
    internal bool this[int module] => _used[module];

    /// <summary>Adds the chosen modules, in a tensor of any shape.</summary>
    internal void Add(Tensor indices)
    {
        using var scope = NewDisposeScope();
        foreach (long module in FromDevice.Vector<long>(indices, Wait.ModulesInUse))
        {
            Add((int)module);
        }
    }

    /// <summary>Adds a module.</summary>
    internal void Add(int module)
    {
        if (!_used[module])
        {
            _used[module] = true;
            _all.Add(module);
        }
    }

    /// <summary>Forgets all modules.</summary>
    internal void Clear()
    {
        foreach (int module in _all)
        {
            _used[module] = false;
        }

        _all.Clear();
    }

    /// <summary>The modules in use, ascending.</summary>
    internal long[] ToArray()
    {
        long[] used = [.. _all];
        Array.Sort(used);
        return used;
    }
}
