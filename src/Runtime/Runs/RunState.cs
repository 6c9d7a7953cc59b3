using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// All that a checkpoint of a run holds, in memory: the weights, and, unless they are weights alone, what method and optimiser remember, the random
/// streams, and a*. It owns its tensors.
/// </summary>
/// <param name="Tensors">The tensors, by the names that a checkpoint gives them, on the CPU.</param>
/// <param name="Metadata">The metadata of the checkpoint; empty for weights alone.</param>
/// <param name="Source">The path of the file that it was read from, for messages.</param>
public sealed record RunState(
    IReadOnlyDictionary<string, Tensor> Tensors, IReadOnlyDictionary<string, string> Metadata, string Source) : IDisposable
{
    private const string Step = "run.step";

    /// <summary>Whether there is all that a run needs to go on, and not weights alone.</summary>
    public bool IsWhole => Tensors.ContainsKey(Step);

    /// <summary>Whether a* holds choices that an edit left unassigned.</summary>
    public bool IsUnassigned =>
        Tensors.TryGetValue(StateNames.Assignments, out Tensor? held) && held.dtype == ScalarType.Int64 && held.numel() > 0 && held.min().ToInt64() < 0;

    /// <summary>The same metadata with other tensors, which the result owns.</summary>
    public RunState With(IReadOnlyDictionary<string, Tensor> tensors) => this with { Tensors = tensors };

    /// <summary>The same values as tensors of the caller's own, which share their memory.</summary>
    public static Dictionary<string, Tensor> Owned(IReadOnlyDictionary<string, Tensor> tensors) =>
        tensors.ToDictionary(entry => entry.Key, entry => entry.Value.detach().DetachFromDisposeScope(), StringComparer.Ordinal);

    /// <summary>Loads the weights into a graph, or, with <paramref name="averaged"/>, their moving averages where there are any. UserException where they are of another architecture.</summary>
    public void Load(Graph graph, bool averaged)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Architecture.Load(new(Source, Tensors), graph, averaged);
    }

    /// <summary>The number of gradient steps that the weights have had; 0 where weights alone do not say.</summary>
    public long Steps => IsWhole ? Tensors[Step].ToInt64() : 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in Tensors.Values)
        {
            tensor.Dispose();
        }
    }
}
