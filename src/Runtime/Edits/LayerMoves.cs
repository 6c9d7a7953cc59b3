using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Gives what the state of a run holds of some layers other names, as the layers have them when they stand elsewhere, and puts the columns of a* into
/// the order in which the layers then choose.
/// </summary>
public static class LayerMoves
{
    // What stands before the name of a parameter or layer in the names of a state.
    private static readonly string[] Before = [StateNames.Optimizer, WeightAverage.NameOf(""), ""];
    private static readonly string[] Carried = [StateNames.Carried("m"), StateNames.Carried("e"), StateNames.ModuleSteps, StateNames.UsedEarlier];

    /// <summary>
    /// The state with <paramref name="moves"/>, from a layer's full name to the new one. The caller disposes of the tensors. The weights of layers
    /// that are not among the moves keep their names; with <paramref name="only"/>, they are left out, as all else is that is neither of a moved layer nor
    /// of one of these shared pools.
    /// </summary>
    public static Dictionary<string, Tensor> Apply(
        IReadOnlyDictionary<string, Tensor> state, IReadOnlyList<(string From, string To)> moves, IReadOnlyCollection<string>? only = null)
    {
        using var scope = NewDisposeScope();
        var moved = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach ((string name, Tensor value) in state)
        {
            string? now = NameOf(name, moves);
            if (now is not null || only is null || only.Any(pool => name.StartsWith(StateNames.OfPool(pool), StringComparison.Ordinal)))
            {
                moved.Add(now ?? name, value);
            }
        }

        return RunState.Owned(moved);
    }

    /// <summary>The table a* [N, C] with its columns in another order: column c of the result is column <paramref name="from"/>[c].</summary>
    public static Tensor Columns(Tensor held, IReadOnlyList<int> from) =>
        held.index_select(1, tensor(from.Select(c => (long)c).ToArray())).DetachFromDisposeScope();

    // The new name of a tensor; null where it does not belong to a moved layer.
    private static string? NameOf(string name, IReadOnlyList<(string From, string To)> moves)
    {
        foreach (string carried in Carried.Where(c => name.StartsWith(c, StringComparison.Ordinal)))
        {
            return Moved(name[carried.Length..], moves, '/') is string layer ? carried + layer : null;
        }

        string start = Before.First(b => name.StartsWith(b, StringComparison.Ordinal));
        string rest = name[start.Length..];
        if (StateNames.InPools(rest) is string inside)
        {
            // A pool of a layer's own is called LAYER/pool.
            (string From, string To)[] owners = [.. moves.Select(m => (StateNames.Registered(m.From), StateNames.Registered(m.To)))];
            return Moved(inside, owners, '/') is string pool ? start + StateNames.FromPools(pool) : null;
        }

        (string From, string To)[] dotted = [.. moves.Select(m => (m.From.Replace('/', '.'), m.To.Replace('/', '.')))];
        return Moved(rest, dotted, '.') is string moved ? start + moved : null;
    }

    private static string? Moved(string name, IReadOnlyList<(string From, string To)> moves, char separator)
    {
        foreach ((string from, string to) in moves)
        {
            if (name == from || name.StartsWith(from + separator, StringComparison.Ordinal))
            {
                return to + name[from.Length..];
            }
        }

        return null;
    }
}
