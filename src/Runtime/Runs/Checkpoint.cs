using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// <c>checkpoint.safetensors</c>: weights under their names in the graph, what the method remembers (its place in the data;
/// Viterbi EM: a* as <c>em.assignments</c>; REINFORCE: its average as <c>reinforce.average</c>), the optimiser's moments as
/// <c>optimizer.…</c>, random streams as <c>random.…</c>, and where the run was as <c>run.step</c>, <c>run.seconds</c> and
/// <c>run.metrics</c>, the length of <c>metrics.jsonl</c> in bytes. One file, renamed into place, so that a run goes on from a
/// whole state or from the one before. <c>state.json</c> says the step to people.
/// </summary>
public static class Checkpoint
{
    private const string FileName = "checkpoint.safetensors";

    /// <summary>Writes both files, each whole, after <paramref name="step"/> gradient steps in <paramref name="seconds"/>.</summary>
    public static void Write(
        RunFolder folder, Graph graph, TrainingMethod method, RandomStreams streams, long step, double seconds = 0)
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach ((string name, Tensor value) in graph.state_dict())
        {
            tensors.Add(name, value);
        }

        foreach ((string name, Tensor value) in method.State())
        {
            tensors.Add(name, value);
        }

        foreach ((string name, Tensor value) in OptimizerState.Of(method.Optimizer, graph))
        {
            tensors.Add($"optimizer.{name}", value);
        }

        foreach ((string name, Tensor state) in streams.States())
        {
            tensors.Add($"random.{name}", state);
        }

        tensors.Add("run.step", tensor(new[] { step }));
        tensors.Add("run.seconds", tensor(new[] { seconds }));
        tensors.Add("run.metrics", tensor(new[] { folder.MetricsLength }));
        Safetensors.Write(folder.PathOf(FileName), tensors);
        folder.WriteJson("state.json", new JsonObject
        {
            ["version"] = 1,
            ["step"] = step,
            ["seed"] = streams.Seed,
        });
    }

    /// <summary>Whether the folder at <paramref name="path"/> holds one.</summary>
    public static bool IsIn(string path) => File.Exists(Path.Combine(path, FileName));

    /// <summary>
    /// Brings a run that was set up afresh, from the same experiment and seed, to where the folder's checkpoint was written: all
    /// that follows is then as it would have been. Lines of metrics after that place are dropped.
    /// </summary>
    /// <returns>Gradient steps taken, and the seconds they took.</returns>
    public static (long Step, double Seconds) Resume(
        RunFolder folder, Graph graph, TrainingMethod method, RandomStreams streams)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        string path = folder.PathOf(FileName);
        var saved = new SavedState(path, Safetensors.Read(path));
        LoadWeights(saved, graph);
        method.Restore(saved);
        OptimizerState.Restore(method.Optimizer, graph, saved.Under("optimizer."));
        SavedState random = saved.Under("random.");
        foreach (string stream in random.Names)
        {
            streams[stream].set_state(random.Get(stream));
        }

        folder.CutMetrics(saved.Number("run.metrics"));
        return (saved.Number("run.step"), saved.Real("run.seconds"));
    }

    /// <summary>Loads the weights of a checkpoint into a graph of the same architecture.</summary>
    public static void LoadWeights(string path, Graph graph)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        LoadWeights(new SavedState(path, Safetensors.Read(path)), graph);
    }

    private static void LoadWeights(SavedState saved, Graph graph)
    {
        foreach ((string name, Tensor value) in graph.state_dict())
        {
            value.copy_(saved.Get(name, value.shape));
        }
    }
}
