using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// <c>checkpoint.safetensors</c>: weights under their names in the graph, what the method remembers (its place in the data;
/// Viterbi EM: a* as <c>em.assignments</c>; REINFORCE: its average as <c>reinforce.average</c>), the optimiser's moments as
/// <c>optimizer.…</c>, random streams as <c>random.…</c>, and where the run was as <c>run.step</c>, <c>run.seconds</c> and
/// <c>run.metrics</c>, the length of <c>metrics.jsonl</c> in bytes. One sealed file, renamed into place, so that a run goes on from a
/// whole state or from the one before, which <c>checkpoints/</c> keeps. <c>state.json</c> says the step to people.
/// </summary>
/// <remarks>
/// Its <c>__metadata__</c>: <c>format</c> <c>modnet.checkpoint</c>, <c>version</c>, <c>step</c>, what <see cref="RunConditions"/> says, and
/// the checksums of the files beside it, <c>metrics.sha256</c> (of its <c>run.metrics</c> bytes) and <c>spec.sha256</c>: where they are not
/// as they were, that is said.
/// </remarks>
public static class Checkpoint
{
    private const string Format = "modnet.checkpoint";

    // 1: without seal and metadata, before there were several. 2: with them.
    private const int Version = 2;

    // What the checksums of the files beside it are called in its metadata.
    private const string Metrics = "metrics.sha256";
    private const string Spec = "spec.sha256";

    /// <summary>
    /// Writes it, after <paramref name="step"/> gradient steps in <paramref name="seconds"/>, and keeps <paramref name="keep"/>
    /// in all, the newest among them. UserException where the disk will not take it; those before are then as they were.
    /// </summary>
    public static void Write(
        RunFolder folder, Graph graph, TrainingMethod method, RandomStreams streams, long step, double seconds = 0, int keep = 2)
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

        foreach ((string name, Tensor value) in method.OptimizerState())
        {
            tensors.Add($"optimizer.{name}", value);
        }

        foreach ((string name, Tensor state) in streams.States())
        {
            tensors.Add($"random.{name}", state);
        }

        tensors.Add("run.step", tensor(new[] { step }));
        tensors.Add("run.seconds", tensor(new[] { seconds }));
        (long metrics, string metricsChecksum) = folder.FlushMetrics();
        tensors.Add("run.metrics", tensor(new[] { metrics }));
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["format"] = Format,
            ["version"] = Version.ToString(CultureInfo.InvariantCulture),
            ["step"] = step.ToString(CultureInfo.InvariantCulture),
            [Metrics] = metricsChecksum,
        };
        if (SpecChecksum(folder.Path) is string spec)
        {
            metadata.Add(Spec, spec);
        }

        foreach ((string name, string value) in RunConditions.Here(method.Device))
        {
            metadata.Add(name, value);
        }

        var kept = new KeptCheckpoints(folder.Path);
        Safetensors.Write(kept.Newest, tensors, metadata, () => kept.MakeRoom(step, keep));
        kept.Prune(keep);
        folder.WriteJson("state.json", new JsonObject
        {
            ["version"] = 1,
            ["step"] = step,
            ["seed"] = streams.Seed,
        });
    }

    /// <summary>Whether the folder at <paramref name="path"/> holds one.</summary>
    public static bool IsIn(string path) => new KeptCheckpoints(path).Paths.Any();

    /// <summary>Which is the last one in a folder, in words.</summary>
    internal static string LastIn(string path) => new KeptCheckpoints(path).Paths.FirstOrDefault() is string last
        ? $"the last good checkpoint is {last}"
        : "there is no checkpoint yet";

    /// <summary>
    /// Brings a run that was set up afresh, from the same experiment and seed, to where the folder's checkpoint was written: all
    /// that follows is then as it would have been. Lines of metrics after that place are dropped. Where the newest checkpoint is
    /// damaged, it is set aside, and the one before taken.
    /// </summary>
    /// <param name="folder">The run's.</param>
    /// <param name="graph">Set up afresh.</param>
    /// <param name="method">Set up afresh.</param>
    /// <param name="streams">Set up afresh.</param>
    /// <param name="say">Told what the user should know: of damage, and of conditions under which the run will not end bit for bit as it would have.</param>
    /// <returns>Gradient steps taken, and the seconds they took.</returns>
    public static (long Step, double Seconds) Resume(
        RunFolder folder, Graph graph, TrainingMethod method, RandomStreams streams, Action<string> say)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var kept = new KeptCheckpoints(folder.Path);
        (SavedState saved, IReadOnlyDictionary<string, string> metadata) = LastGood(kept, say);
        Architecture.Load(saved, graph);
        try
        {
            method.Restore(saved);
            method.RestoreOptimizer(saved.Under("optimizer."));
            RestoreStreams(saved, graph, streams);
        }
        catch (Exception e) when (e is ExternalException or ArgumentException or OverflowException)
        {
            // What libtorch says of a tensor that is no generator's state, and the like; the stack of its own calls comes after.
            throw new UserException(
                saved.Path, "a checkpoint with all its parts", e.Message.Split('\n')[0].TrimEnd('.'),
                "give a checkpoint of the same experiment, as ModNet wrote it");
        }

        folder.CutMetrics(saved.Count("run.metrics"));
        if (metadata.TryGetValue(Metrics, out string? metrics) && metrics != folder.MetricsChecksum)
        {
            say($"{folder.PathOf("metrics.jsonl")}: is not as it was when {saved.Path} was written, so its lines may be wrong; training goes on well");
        }

        kept.SetAside(saved.Path);
        if (RunConditions.Difference(metadata, method.Device) is string other)
        {
            say($"{saved.Path}: written with {other}, so the run goes on well, but not bit for bit as it would have");
        }

        return (saved.Count("run.step"), saved.Real("run.seconds"));
    }

    /// <summary>
    /// Loads the weights of a checkpoint into a graph of the same architecture, on whatever device. UserException that lists what
    /// differs in any other.
    /// </summary>
    public static void LoadWeights(string path, Graph graph)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Architecture.Load(Read(path).Saved, graph);
    }

    /// <summary>The same of a run's folder: its newest checkpoint that is whole. <paramref name="say"/> is told of damaged ones.</summary>
    public static void LoadWeightsOf(string folder, Graph graph, Action<string> say)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        (SavedState saved, IReadOnlyDictionary<string, string> metadata) = LastGood(new(folder), say);
        Architecture.Load(saved, graph);
        if (metadata.TryGetValue(Spec, out string? spec) && spec != SpecChecksum(folder))
        {
            say($"{SpecIn(folder)}: is not as it was when {saved.Path} was written, so the network may be another – put the file back, or see that its changes are meant");
        }
    }

    private static string SpecIn(string folder) => Path.Combine(folder, "spec.json");

    // Null where there is none: a run that was set up by hand leaves no spec.
    private static string? SpecChecksum(string folder) =>
        File.Exists(SpecIn(folder)) ? DataFile.Of(SpecIn(folder)).Sha256 : null;

    private static (SavedState Saved, IReadOnlyDictionary<string, string> Metadata) LastGood(
        KeptCheckpoints kept, Action<string> say)
    {
        var damaged = new List<string>();
        foreach (string path in kept.Paths)
        {
            try
            {
                (SavedState saved, IReadOnlyDictionary<string, string> metadata) = Read(path);
                foreach (string problem in damaged)
                {
                    say(problem);
                }

                if (damaged.Count > 0)
                {
                    say($"{path}: is whole, and taken in its place (step {saved.Number("run.step")})");
                }

                return (saved, metadata);
            }
            catch (UserException problem)
            {
                damaged.Add(problem.Message);
            }
        }

        throw damaged.Count > 0
            ? new UserException(string.Join("\n", damaged))
            : new UserException(kept.Newest, "a checkpoint", "none", "give the folder of a run that has written one");
    }

    private static (SavedState Saved, IReadOnlyDictionary<string, string> Metadata) Read(string path)
    {
        Dictionary<string, Tensor> tensors = Safetensors.ReadSealed(path, out IReadOnlyDictionary<string, string> metadata);
        string found = metadata.TryGetValue("format", out string? format)
            ? $"{format} {metadata.GetValueOrDefault("version")}"
            : $"{Format} 1";
        if (found is not ($"{Format} 1" or $"{Format} 2"))
        {
            throw new UserException(
                path, $"a checkpoint ({Format} {Version}, or 1)", found, "read it with the ModNet that wrote it");
        }

        return (new(path, tensors), metadata);
    }

    // A layer may be called `random`: what belongs to the graph is no stream.
    private static void RestoreStreams(SavedState saved, Graph graph, RandomStreams streams)
    {
        SavedState random = saved.Under("random.");
        var weights = graph.state_dict().Keys.ToHashSet(StringComparer.Ordinal);
        foreach (string stream in random.Names.Where(name => !weights.Contains($"random.{name}")))
        {
            streams[stream].set_state(random.Get(stream));
        }
    }
}
