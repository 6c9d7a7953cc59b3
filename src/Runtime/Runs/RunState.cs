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

    /// <summary>
    /// All that the newest whole checkpoint in a run's folder holds, or, with <paramref name="best"/>, <c>best.safetensors</c>; of exported weights,
    /// those alone. <paramref name="say"/> is told of damaged ones.
    /// </summary>
    public static RunState Of(string folder, bool best, Action<string> say)
    {
        using var scope = NewDisposeScope();
        if (ExportedWeights.IsIn(folder))
        {
            string weights = Path.Combine(folder, ExportedWeights.FileName);
            return new(Owned(Safetensors.Read(weights)), new Dictionary<string, string>(), weights);
        }

        (SavedState saved, IReadOnlyDictionary<string, string> metadata) =
            best ? CheckpointFile.Read(CheckpointFile.BestIn(folder)) : CheckpointFile.LastGood(new(folder), say);
        return new(Owned(saved.Names.ToDictionary(name => name, saved.Get)), metadata, saved.Path);
    }

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

    /// <summary>
    /// Writes the state into the folder of a run as its checkpoint, from which the run of that seed goes on. The folder has its metrics and its spec already.
    /// UserException where the disk refuses.
    /// </summary>
    public void Write(RunFolder folder, long seed)
    {
        using var scope = NewDisposeScope();
        (long length, string metrics) = folder.FlushMetrics();
        var tensors = new Dictionary<string, Tensor>(Tensors, StringComparer.Ordinal) { ["run.metrics"] = tensor(new[] { length }) };
        var metadata = new Dictionary<string, string>(Metadata, StringComparer.Ordinal) { [CheckpointFile.Metrics] = metrics };
        if (CheckpointFile.SpecChecksum(folder.Path) is string spec)
        {
            metadata[CheckpointFile.Spec] = spec;
        }

        // What an evaluation of the network before the edit found.
        foreach (string evaluation in BestEvaluation.Names)
        {
            metadata.Remove(evaluation);
        }

        Safetensors.Write(new KeptCheckpoints(folder.Path).Newest, tensors, metadata);
        CheckpointFile.TellStep(folder, Steps, seed);
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
