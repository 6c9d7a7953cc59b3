using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Compares the names and shapes of a graph's parameters and running averages with those of a checkpoint.</summary>
internal static class Architecture
{
    // More lines would tell no more.
    private const int MostLines = 12;

    // What a checkpoint holds beside weights. What methods remember is called method.…; em.… and reinforce.… are older than that rule.
    private static readonly string[] Beside = ["method.", StateNames.Optimizer, "random.", "run.", "em.", "reinforce."];

    /// <summary>
    /// Copies the weights into the graph, or, with <paramref name="averaged"/>, their moving averages where there are any. UserException that lists all differences where there are any; nothing is then changed.
    /// </summary>
    internal static void Load(SavedState saved, Graph graph, bool averaged)
    {
        Dictionary<string, Tensor> own = graph.state_dict();
        string[] differences = [.. Differences(saved, own)];
        if (differences.Length > 0)
        {
            string rest = differences.Length > MostLines ? $"\n  and {differences.Length - MostLines} more" : "";
            throw new UserException(
                saved.Path,
                "a checkpoint of the same architecture",
                $"{differences.Length} difference{(differences.Length == 1 ? "" : "s")}",
                "load it into the network that its run's spec.json declares:\n  "
                + string.Join("\n  ", differences.Take(MostLines)) + rest);
        }

        foreach ((string name, Tensor value) in own)
        {
            string average = WeightAverage.NameOf(name);
            value.copy_(averaged && saved.Has(average) ? saved.Get(average, value.shape) : saved.Get(name));
        }
    }

    private static IEnumerable<string> Differences(SavedState saved, Dictionary<string, Tensor> own)
    {
        foreach ((string name, Tensor value) in own)
        {
            if (!saved.Has(name))
            {
                yield return $"{name} {value.shape.AsShape()}: only in the network";
            }
            else if (!saved.Get(name).shape.SequenceEqual(value.shape))
            {
                yield return $"{name}: {value.shape.AsShape()} in the network, {saved.Get(name).shape.AsShape()} in the checkpoint";
            }
        }

        foreach (string name in saved.Names.Where(n => !own.ContainsKey(n)).Order(StringComparer.Ordinal))
        {
            if (!Beside.Any(b => name.StartsWith(b, StringComparison.Ordinal)))
            {
                yield return $"{name} {saved.Get(name).shape.AsShape()}: only in the checkpoint";
            }
        }
    }
}
