namespace ModNet.Runtime;

/// <summary>
/// Adds parts one after the other in the order of a balanced tree: ((p₀ + p₁) + (p₂ + p₃)) + …, and what is left at the end from the right. The sum of R·2ᵏ parts
/// is the sum of the sums of R groups of 2ᵏ neighbours, to the last bit, so it does not matter who adds which group.
/// </summary>
/// <param name="add">Gives the sum of two parts, of which the left one may be changed and neither is used again.</param>
internal sealed class BalancedTree<T>(Func<T, T, T> add)
{
    // Sums of 2ᵏ parts each, of falling size.
    private readonly List<(T Sum, int Parts)> _sums = [];

    /// <summary>The sum of the parts so far, of which there must be at least one. No part may be added afterwards.</summary>
    internal T Result
    {
        get
        {
            while (_sums.Count > 1)
            {
                Join();
            }

            return _sums[0].Sum;
        }
    }

    /// <summary>Whether there is no part yet.</summary>
    internal bool IsEmpty => _sums.Count == 0;

    /// <summary>Adds the next part.</summary>
    internal void Add(T part)
    {
        _sums.Add((part, 1));
        while (_sums.Count > 1 && _sums[^1].Parts == _sums[^2].Parts)
        {
            Join();
        }
    }

    /// <summary>The sum of some parts.</summary>
    internal static T Of(IEnumerable<T> parts, Func<T, T, T> add)
    {
        var tree = new BalancedTree<T>(add);
        foreach (T part in parts)
        {
            tree.Add(part);
        }

        return tree.Result;
    }

    private void Join()
    {
        ((T left, int some), (T right, int more)) = (_sums[^2], _sums[^1]);
        _sums.RemoveRange(_sums.Count - 2, 2);
        _sums.Add((add(left, right), some + more));
    }
}
