using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Writes and reads <c>checkpoint.safetensors</c>, from which a run goes on. It holds the weights under their names in the graph, what the
/// method remembers (<see cref="TrainingMethod.State"/>), what the optimiser remembers as <c>optimizer.…</c>, the random streams as
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
    private const string Format = "modnet.checkpoint";

    // Version 1 has neither seal nor metadata; version 2 has both.
    private const int Version = 2;

    // The names of the other files' checksums in the metadata.
    private const string Metrics = "metrics.sha256";
    private const string Spec = "spec.sha256";

    // The name of the data's identity in the metadata.
    private const string Data = "data";

    /// <summary>
    /// Writes a checkpoint after <paramref name="step"/> gradient steps, which took <paramref name="seconds"/>, and keeps the newest
    /// <paramref name="keep"/> ≥ 1 checkpoints. <paramref name="data"/> says what the run learns from. UserException where the disk refuses;
    /// earlier checkpoints are then as they were.
    /// </summary>
    public static void Write(
        RunFolder folder, Graph graph, TrainingMethod method, RandomStreams streams, long step, double seconds = 0, int keep = 2,
        DataIdentity? data = null)
    {
        using var scope = NewDisposeScope();
        (Dictionary<string, Tensor> tensors, Dictionary<string, string> metadata) = Content(folder, graph, method, streams, step, seconds, data);
        var kept = new KeptCheckpoints(folder.Path);
        Safetensors.Write(kept.Newest, tensors, metadata, () => kept.MakeRoom(step, keep));
        kept.Prune(keep);
        TellStep(folder, step, streams.Seed);
    }

    private static void TellStep(RunFolder folder, long step, long seed) => folder.WriteJson("state.json", new JsonObject
    {
        ["version"] = 1,
        ["step"] = step,
        ["seed"] = seed,
    });

    /// <summary>
    /// Writes <c>best.safetensors</c>: a whole checkpoint at the step of the best evaluation so far, which its metadata hold as
    /// <c>validation</c> and <c>test</c>. UserException where the disk refuses; the earlier file is then as it was.
    /// </summary>
    internal static void WriteBest(
        RunFolder folder, Graph graph, TrainingMethod method, RandomStreams streams, BestEvaluation best, double seconds, DataIdentity? data)
    {
        using var scope = NewDisposeScope();
        (Dictionary<string, Tensor> tensors, Dictionary<string, string> metadata) = Content(folder, graph, method, streams, best.Step, seconds, data);
        foreach ((string name, string json) in best.Entries())
        {
            metadata.Add(name, json);
        }

        Safetensors.Write(BestIn(folder.Path), tensors, metadata);
    }

    /// <summary>
    /// The best evaluation of the run in a folder, as <c>best.safetensors</c> has it; null where there is no such file, or it is damaged, which
    /// <paramref name="say"/> is told.
    /// </summary>
    internal static BestEvaluation? ReadBest(RunFolder folder, Action<string> say)
    {
        string path = BestIn(folder.Path);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            using var scope = NewDisposeScope();
            return BestEvaluation.Of(path, Read(path).Metadata);
        }
        catch (UserException damage)
        {
            say($"{damage.Message}; the next evaluation that counts is the best from here on");
            return null;
        }
    }

    private static string BestIn(string folder) => Path.Combine(folder, RunFolder.Best);

    // What a checkpoint holds, in the caller's scope.
    private static (Dictionary<string, Tensor> Tensors, Dictionary<string, string> Metadata) Content(
        RunFolder folder, Graph graph, TrainingMethod method, RandomStreams streams, long step, double seconds, DataIdentity? data)
    {
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
            tensors.Add(StateNames.Optimizer + name, value);
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

        if (data is not null)
        {
            metadata.Add(Data, data.ToJson());
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
        RunFolder folder, Graph graph, TrainingMethod method, RandomStreams streams, Action<string> say, DataIdentity? data = null,
        long mostSteps = long.MaxValue)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var kept = new KeptCheckpoints(folder.Path);
        (SavedState saved, IReadOnlyDictionary<string, string> metadata) = LastGood(kept, say);
        string? conditions = RunConditions.Difference(metadata, method.Device);
        DemandSameData(saved.Path, metadata, data, conditions, say);
        long step = saved.Count("run.step");
        if (step > mostSteps)
        {
            throw new UserException(
                saved.Path, FormattableString.Invariant($"a run of at most {mostSteps:N0} steps, the length that was asked for"), FormattableString.Invariant($"one of {step:N0} steps"),
                FormattableString.Invariant($"say {step:N0} steps or more, or start anew without --resume"));
        }

        Architecture.Load(saved, graph, averaged: false);
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

        folder.CutMetrics(saved.Count("run.metrics"));
        if (metadata.TryGetValue(Metrics, out string? metrics) && metrics != folder.MetricsChecksum)
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

    // Checkpoints of earlier versions do not say what the run learned from.
    private static DataIdentity? EarlierData(IReadOnlyDictionary<string, string> metadata) =>
        metadata.TryGetValue(Data, out string? json) ? DataIdentity.Parse(json) : null;

    private static void DemandSameData(
        string path, IReadOnlyDictionary<string, string> metadata, DataIdentity? data, string? conditions, Action<string> say)
    {
        if (EarlierData(metadata) is not DataIdentity earlier || data?.DifferenceFrom(earlier) is not string difference)
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
        Architecture.Load(Read(path).Saved, graph, averaged: true);
    }

    /// <summary>
    /// Loads the weights of the newest whole checkpoint in a run's folder. <paramref name="say"/> is told of damaged ones, and where
    /// <paramref name="data"/>, if given, are not those that the weights learned from. Gives the step of that checkpoint.
    /// </summary>
    public static long LoadWeightsOf(string folder, Graph graph, Action<string> say, DataIdentity? data = null)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        (SavedState saved, IReadOnlyDictionary<string, string> metadata) = LastGood(new(folder), say);
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
        string path = BestIn(folder);
        if (!File.Exists(path))
        {
            throw new UserException(
                path, "the best checkpoint of a run", "none",
                "take the newest one; a run keeps the best where its data have a validation set, unless it says `keep_best false`");
        }

        (SavedState saved, IReadOnlyDictionary<string, string> metadata) = Read(path);
        return LoadWeights(saved, metadata, folder, graph, say, data);
    }

    /// <summary>
    /// All that the newest whole checkpoint in a run's folder holds, or, with <paramref name="best"/>, <c>best.safetensors</c>; of exported weights,
    /// those alone. <paramref name="say"/> is told of damaged ones.
    /// </summary>
    public static RunState StateOf(string folder, bool best, Action<string> say)
    {
        using var scope = NewDisposeScope();
        if (ExportedWeights.IsIn(folder))
        {
            string weights = Path.Combine(folder, ExportedWeights.FileName);
            return new(RunState.Owned(Safetensors.Read(weights)), new Dictionary<string, string>(), weights);
        }

        (SavedState saved, IReadOnlyDictionary<string, string> metadata) = best ? Read(BestIn(folder)) : LastGood(new(folder), say);
        return new(RunState.Owned(saved.Names.ToDictionary(name => name, saved.Get)), metadata, saved.Path);
    }

    /// <summary>
    /// Writes a state into the folder of a run as its checkpoint, from which the run of that seed goes on. The folder has its metrics and its spec already.
    /// UserException where the disk refuses.
    /// </summary>
    public static void WriteState(RunFolder folder, RunState state, long seed)
    {
        using var scope = NewDisposeScope();
        (long length, string metrics) = folder.FlushMetrics();
        var tensors = new Dictionary<string, Tensor>(state.Tensors, StringComparer.Ordinal) { ["run.metrics"] = tensor(new[] { length }) };
        var metadata = new Dictionary<string, string>(state.Metadata, StringComparer.Ordinal) { [Metrics] = metrics };
        if (SpecChecksum(folder.Path) is string spec)
        {
            metadata[Spec] = spec;
        }

        // What an evaluation of the network before the edit found.
        foreach (string evaluation in BestEvaluation.Names)
        {
            metadata.Remove(evaluation);
        }

        Safetensors.Write(new KeptCheckpoints(folder.Path).Newest, tensors, metadata);
        TellStep(folder, state.Steps, seed);
    }

    private static long LoadWeights(
        SavedState saved, IReadOnlyDictionary<string, string> metadata, string folder, Graph graph, Action<string> say, DataIdentity? data)
    {
        Architecture.Load(saved, graph, averaged: true);
        if (metadata.TryGetValue(Spec, out string? spec) && SpecChecksum(folder) is var now && spec != now && !IsNewestOf(folder, now))
        {
            say($"{SpecIn(folder)}: is not as it was when {saved.Path} was written, so the network may be another – put the file back, or see that its changes are meant");
        }

        if (EarlierData(metadata) is DataIdentity earlier && data?.DifferenceFrom(earlier) is string difference)
        {
            say($"{Path.Combine(folder, Preparation.FileName)}: is of other data than {saved.Path}, so the network's inputs may be prepared wrongly – put the file back; what differs:{difference}");
        }

        return saved.Number("run.step");
    }

    // A run that was resumed to another length has a spec that is not that of its earlier checkpoints.
    private static bool IsNewestOf(string folder, string? spec)
    {
        string newest = new KeptCheckpoints(folder).Newest;
        try
        {
            return spec is not null && File.Exists(newest) && Safetensors.ReadMetadata(newest).GetValueOrDefault(Spec) == spec;
        }
        catch (UserException)
        {
            return false;
        }
    }

    private static string SpecIn(string folder) => Path.Combine(folder, "spec.json");

    // Null where there is no spec: a run that was set up by hand leaves none.
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
