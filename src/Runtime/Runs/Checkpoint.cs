using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Writes and reads <c>checkpoint.safetensors</c>, from which a run goes on. It holds the weights under their names in the graph, what the
/// method remembers (<see cref="Training.State"/>), what the optimiser remembers as <c>optimizer.…</c>, the random streams as
/// <c>random.…</c>, and the run's place as <c>run.step</c>, <c>run.seconds</c> and <c>run.metrics</c>, the length of <c>metrics.jsonl</c>
/// in bytes.
/// </summary>
/// <remarks>
/// A checkpoint is one sealed file that is renamed into place, so a run goes on from a whole state: the newest one, or one before, which
/// <c>checkpoints/</c> keeps. <c>state.json</c> tells people the step. The file's <c>__metadata__</c> has <c>format</c>
/// <c>modnet.checkpoint</c>, <c>version</c>, <c>step</c>, the entries of <see cref="RunConditions"/>, and the checksums of two other files of
/// the run, <c>metrics.sha256</c> (of the first <c>run.metrics</c> bytes) and <c>spec.sha256</c>. The user is told where these files changed.
/// <c>data</c> is the <see cref="DataIdentity"/> of the data that the run learns from, as JSON: a run goes on with no other.
/// </remarks>
public static class Checkpoint
{
    /// <summary>
    /// Writes a checkpoint after <paramref name="step"/> gradient steps, which took <paramref name="seconds"/>, and keeps the newest
    /// <paramref name="keep"/> ≥ 1 checkpoints. <paramref name="data"/> says what the run learns from. UserException where the disk refuses;
    /// earlier checkpoints are then as they were. Where several ranks train, all call this, and the one that leads writes.
    /// </summary>
    public static void Write(
        RunFolder folder, Graph graph, Training method, RandomStreams streams, long step, double seconds = 0, int keep = 2,
        DataIdentity? data = null)
    {
        using var scope = NewDisposeScope();
        (Dictionary<string, Tensor> tensors, Dictionary<string, string> metadata) = Content(folder, graph, method, streams, step, seconds, data);
        if (folder.Follows)
        {
            return;
        }

        var kept = new KeptCheckpoints(folder.Path);
        Safetensors.Write(kept.Newest, tensors, metadata, () => kept.MakeRoom(step, keep));
        kept.Prune(keep);
        CheckpointFile.TellStep(folder, step, streams.Seed);
    }

    /// <summary>
    /// Writes <c>best.safetensors</c>: a whole checkpoint at the step of the best evaluation so far, which its metadata hold as
    /// <c>validation</c> and <c>test</c>. UserException where the disk refuses; the earlier file is then as it was.
    /// </summary>
    internal static void WriteBest(
        RunFolder folder, Graph graph, Training method, RandomStreams streams, BestEvaluation best, double seconds, DataIdentity? data)
    {
        using var scope = NewDisposeScope();
        (Dictionary<string, Tensor> tensors, Dictionary<string, string> metadata) = Content(folder, graph, method, streams, best.Step, seconds, data);
        if (folder.Follows)
        {
            return;
        }

        foreach ((string name, string json) in best.Entries())
        {
            metadata.Add(name, json);
        }

        Safetensors.Write(CheckpointFile.BestIn(folder.Path), tensors, metadata);
    }

    /// <summary>
    /// The best evaluation of the run in a folder, as <c>best.safetensors</c> has it; null where there is no such file, or it is damaged, which
    /// <paramref name="say"/> is told.
    /// </summary>
    internal static BestEvaluation? ReadBest(RunFolder folder, Action<string> say)
    {
        string path = CheckpointFile.BestIn(folder.Path);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            using var scope = NewDisposeScope();
            return BestEvaluation.Of(path, CheckpointFile.Read(path).Metadata);
        }
        catch (UserException damage)
        {
            say($"{damage.Message}; the next evaluation that counts is the best from here on");
            return null;
        }
    }

    // What a checkpoint holds, in the caller's scope.
    private static (Dictionary<string, Tensor> Tensors, Dictionary<string, string> Metadata) Content(
        RunFolder folder, Graph graph, Training method, RandomStreams streams, long step, double seconds, DataIdentity? data)
    {
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach ((string prefix, Graph part) in method.Graphs)
        {
            foreach ((string name, Tensor value) in part.state_dict())
            {
                tensors.Add(prefix + name, value);
            }
        }

        foreach ((string name, Tensor value) in method.State())
        {
            tensors.Add(name, value);
        }

        foreach ((string name, Tensor value) in method.OptimizerState())
        {
            tensors.Add(StateNames.Optimizer + name, value);
        }

        foreach ((string name, Tensor state) in streams.States())
        {
            tensors.Add($"random.{name}", state);
        }

        graph.Spread.Gather(tensors);
        tensors.Add("run.step", tensor(new[] { step }));
        tensors.Add("run.seconds", tensor(new[] { seconds }));
        (long metrics, string metricsChecksum) = folder.FlushMetrics();
        tensors.Add("run.metrics", tensor(new[] { metrics }));
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["format"] = CheckpointFile.Format,
            ["version"] = CheckpointFile.Version.ToString(CultureInfo.InvariantCulture),
            ["step"] = step.ToString(CultureInfo.InvariantCulture),
            [CheckpointFile.Metrics] = metricsChecksum,
        };
        if (CheckpointFile.SpecChecksum(folder.Path) is string spec)
        {
            metadata.Add(CheckpointFile.Spec, spec);
        }

        if (data is not null)
        {
            metadata.Add(CheckpointFile.Data, data.ToJson());
        }

        foreach ((string name, string value) in RunConditions.Here(method.Device))
        {
            metadata.Add(name, value);
        }

        return (tensors, metadata);
    }

    /// <summary>Whether the folder at <paramref name="path"/> holds a checkpoint.</summary>
    public static bool IsIn(string path) => new KeptCheckpoints(path).Paths.Any();

    /// <summary>A sentence that names the last checkpoint in a folder.</summary>
    internal static string LastIn(string path) => new KeptCheckpoints(path).Paths.FirstOrDefault() is string last
        ? $"the last good checkpoint is {last}"
        : "there is no checkpoint yet";

    /// <summary>
    /// Brings a run that was newly set up, from the same experiment and seed, to the place where the folder's checkpoint was written, so
    /// that it goes on as it would have. Lines of metrics after that place are dropped. Where the newest checkpoint is damaged, it is set
    /// aside and the one before is taken.
    /// </summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="graph">The newly made graph.</param>
    /// <param name="method">The newly made training method.</param>
    /// <param name="streams">The newly made random streams.</param>
    /// <param name="say">Is told of damage, and of conditions under which the run will not end bit for bit as it would have.</param>
    /// <param name="data">The data that the run is to go on with; null where they are not compared.</param>
    /// <param name="mostSteps">How many gradient steps the run may have taken, because it is to end there.</param>
    /// <returns>The number of gradient steps taken, and the seconds they took.</returns>
    /// <exception cref="UserException">There is no whole checkpoint, or it is of another experiment or of other data.</exception>
    public static (long Step, double Seconds) Resume(
        RunFolder folder, Graph graph, Training method, RandomStreams streams, Action<string> say, DataIdentity? data = null,
        long mostSteps = long.MaxValue)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var kept = new KeptCheckpoints(folder.Path);
        (SavedState saved, IReadOnlyDictionary<string, string> metadata) = CheckpointFile.LastGood(kept, say);
        string? conditions = RunConditions.Difference(metadata, method.Device);
        DemandSameData(saved.Path, metadata, data, conditions, say);
        long step = saved.Count("run.step");
        if (step > mostSteps)
        {
            throw new UserException(
                saved.Path, FormattableString.Invariant($"a run of at most {mostSteps:N0} steps, the length that was asked for"), FormattableString.Invariant($"one of {step:N0} steps"),
                FormattableString.Invariant($"say {step:N0} steps or more, or start anew without --resume"));
        }

        saved = graph.Spread.Here(saved);
        foreach ((string prefix, Graph part) in method.Graphs)
        {
            Architecture.Load(prefix.Length == 0 ? saved : saved.Under(prefix), part, averaged: false);
        }

        try
        {
            method.Restore(saved);
            method.RestoreOptimizer(saved.Under(StateNames.Optimizer));
            RestoreStreams(saved, graph, streams);
        }
        catch (Exception e) when (e is ExternalException or ArgumentException or OverflowException)
        {
            // libtorch raises these where a tensor is not the state of a generator, and the like. Its own stack follows the first line.
            throw new UserException(
                saved.Path, "a checkpoint with all its parts", e.Message.Split('\n')[0].TrimEnd('.'),
                "give a checkpoint of the same experiment, as ModNet wrote it");
        }

        if (folder.Follows)
        {
            return (step, saved.Real("run.seconds"));
        }

        folder.CutMetrics(saved.Count("run.metrics"));
        if (metadata.TryGetValue(CheckpointFile.Metrics, out string? metrics) && metrics != folder.MetricsChecksum)
        {
            say($"{folder.PathOf("metrics.jsonl")}: is not as it was when {saved.Path} was written, so its lines may be wrong; training goes on well");
        }

        kept.SetAside(saved.Path);
        if (conditions is not null)
        {
            say($"{saved.Path}: written with {conditions}, so the run goes on well, but not bit for bit as it would have");
        }

        return (step, saved.Real("run.seconds"));
    }

    private static void DemandSameData(
        string path, IReadOnlyDictionary<string, string> metadata, DataIdentity? data, string? conditions, Action<string> say)
    {
        if (CheckpointFile.EarlierData(metadata) is not DataIdentity earlier || data?.DifferenceFrom(earlier) is not string difference)
        {
            return;
        }

        if (data!.AreDrawn && earlier.AreDrawn && conditions is not null)
        {
            say($"{path}: the numbers of the data are not bit for bit those that the run began with, which other conditions can explain:{difference}");
            return;
        }

        throw new UserException(
            path, "the data that the run began with", "others",
            $"resume with the same data, or start anew without --resume; what differs:{difference}");
    }

    /// <summary>
    /// Loads the weights of a checkpoint into a graph of the same architecture, on any device: their moving average where the run kept one, because
    /// the run was evaluated with it. UserException that lists the differences
    /// where the architecture is another.
    /// </summary>
    public static void LoadWeights(string path, Graph graph)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Architecture.Load(CheckpointFile.Read(path).Saved, graph, averaged: true);
    }

    /// <summary>
    /// Loads the weights of the newest whole checkpoint in a run's folder. <paramref name="say"/> is told of damaged ones, and where
    /// <paramref name="data"/>, if given, are not those that the weights learned from. Gives the step of that checkpoint.
    /// </summary>
    public static long LoadWeightsOf(string folder, Graph graph, Action<string> say, DataIdentity? data = null)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        (SavedState saved, IReadOnlyDictionary<string, string> metadata) = CheckpointFile.LastGood(new(folder), say);
        return LoadWeights(saved, metadata, folder, graph, say, data);
    }

    /// <summary>
    /// Loads the weights of <c>best.safetensors</c> in a run's folder, those with which the validation set was the most probable, as
    /// <see cref="LoadWeightsOf"/> does those of the newest checkpoint. UserException where there is no such file, or it is damaged.
    /// </summary>
    public static long LoadBestWeightsOf(string folder, Graph graph, Action<string> say, DataIdentity? data = null)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        string path = CheckpointFile.BestIn(folder);
        if (!File.Exists(path))
        {
            throw new UserException(
                path, "the best checkpoint of a run", "none",
                "take the newest one; a run keeps the best where its data have a validation set, unless it says `keep_best false`");
        }

        (SavedState saved, IReadOnlyDictionary<string, string> metadata) = CheckpointFile.Read(path);
        return LoadWeights(saved, metadata, folder, graph, say, data);
    }

    private static long LoadWeights(
        SavedState saved, IReadOnlyDictionary<string, string> metadata, string folder, Graph graph, Action<string> say, DataIdentity? data)
    {
        Architecture.Load(saved, graph, averaged: true);
        if (metadata.TryGetValue(CheckpointFile.Spec, out string? spec) && CheckpointFile.SpecChecksum(folder) is var now && spec != now && !CheckpointFile.IsNewestOf(folder, now))
        {
            say($"{CheckpointFile.SpecIn(folder)}: is not as it was when {saved.Path} was written, so the network may be another – put the file back, or see that its changes are meant");
        }

        if (CheckpointFile.EarlierData(metadata) is DataIdentity earlier && data?.DifferenceFrom(earlier) is string difference)
        {
            say($"{Path.Combine(folder, Preparation.FileName)}: is of other data than {saved.Path}, so the network's inputs may be prepared wrongly – put the file back; what differs:{difference}");
        }

        return saved.Number("run.step");
    }

    // A layer may be called `random`, so names that belong to the graph are left out.
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
