using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The names that checkpoints give to what a run remembers, where more than one part of ModNet has to know them.</summary>
public static class StateNames
{
    /// <summary>a* [N, C] of a run that is trained by EM.</summary>
    public const string Assignments = "em.assignments";

    /// <summary>What stands before PARAMETER.PART: what the optimiser remembers of a parameter.</summary>
    internal const string Optimizer = "optimizer.";

    /// <summary>What stands before the name of a pool: how many steps each of its modules has had, [M].</summary>
    internal const string ModuleSteps = "method.module_steps.";

    /// <summary>What stands before the name of a pool: by which share earlier tasks of a stream use each of its modules, [M].</summary>
    internal const string UsedEarlier = "method.used_earlier.";

    private const string Pools = "pools.";

    /// <summary>What stands before the name of a layer: the state that it carries from window to window on a way through the data.</summary>
    internal static string Carried(string track) => $"method.{track}_carried.";

    /// <summary>
    /// The name under which a graph registers a pool or layer that may have dots in its name: a dot would read as a path in parameter names. No name has
    /// two slashes side by side, so names stay apart.
    /// </summary>
    internal static string Registered(string name) => name.Replace(".", "//");

    /// <summary>What the names of a pool's parameters begin with.</summary>
    internal static string OfPool(string pool) => $"{Pools}{Registered(pool)}.";

    /// <summary>What follows <c>pools.</c> in the name of a parameter; null where it is not a pool's.</summary>
    internal static string? InPools(string name) => name.StartsWith(Pools, StringComparison.Ordinal) ? name[Pools.Length..] : null;

    /// <summary>The name of a pool's parameter, from what <see cref="InPools"/> gives.</summary>
    internal static string FromPools(string inside) => Pools + inside;

    /// <summary>The name of a weight, where the state has it, and that of its moving average where one is kept.</summary>
    internal static IEnumerable<string> WithAverage(IReadOnlyDictionary<string, Tensor> state, string weight) =>
        new[] { weight, WeightAverage.NameOf(weight) }.Where(state.ContainsKey);

    /// <summary>What the names begin with of all that the optimiser remembers of a weight.</summary>
    internal static string OfMemories(string weight) => $"{Optimizer}{weight}.";

    /// <summary>The names of all that the optimiser remembers of a weight.</summary>
    internal static IEnumerable<string> AllMemories(IReadOnlyDictionary<string, Tensor> state, string weight)
    {
        string start = OfMemories(weight);
        return state.Keys.Where(k => k.StartsWith(start, StringComparison.Ordinal));
    }

    /// <summary>The names of what the optimiser remembers of a weight in the weight's shape.</summary>
    internal static IEnumerable<string> Memories(IReadOnlyDictionary<string, Tensor> state, string weight) =>
        AllMemories(state, weight).Where(k => state[k].shape.SequenceEqual(state[weight].shape));
}
