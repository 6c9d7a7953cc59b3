using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What <see cref="Checkpoint"/> and <see cref="RunState"/> know of a checkpoint's file: its format, the names in its metadata, and which one is whole.</summary>
internal static class CheckpointFile
{
    internal const string Format = "modnet.checkpoint";

    // Version 1 has neither seal nor metadata; version 2 has both.
    internal const int Version = 2;

    // The names of the other files' checksums in the metadata.
    internal const string Metrics = "metrics.sha256";
    internal const string Spec = "spec.sha256";

    // The name of the data's identity in the metadata.
    internal const string Data = "data";

    /// <summary>The path of a run's best checkpoint.</summary>
    internal static string BestIn(string folder) => Path.Combine(folder, RunFolder.Best);

    /// <summary>The path of a run's spec.</summary>
    internal static string SpecIn(string folder) => Path.Combine(folder, "spec.json");

    /// <summary>The checksum of a run's spec. Null where there is none: a run that was set up by hand leaves none.</summary>
    internal static string? SpecChecksum(string folder) =>
        File.Exists(SpecIn(folder)) ? DataFile.Of(SpecIn(folder)).Sha256 : null;

    /// <summary>Whether a spec of that checksum is the newest checkpoint's: a run that was resumed to another length has a spec that is not that of its earlier ones.</summary>
    internal static bool IsNewestOf(string folder, string? spec)
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

    /// <summary>What the run learned from. Null where an earlier version did not say it.</summary>
    internal static DataIdentity? EarlierData(IReadOnlyDictionary<string, string> metadata) =>
        metadata.TryGetValue(Data, out string? json) ? DataIdentity.Parse(json) : null;

    /// <summary>Writes <c>state.json</c>, which tells people the step.</summary>
    internal static void TellStep(RunFolder folder, long step, long seed) => folder.WriteJson("state.json", new JsonObject
    {
        ["version"] = 1,
        ["step"] = step,
        ["seed"] = seed,
    });

    /// <summary>The newest checkpoint that is whole, in the caller's scope. <paramref name="say"/> is told of damaged ones.</summary>
    internal static (SavedState Saved, IReadOnlyDictionary<string, string> Metadata) LastGood(
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

    /// <summary>A checkpoint, in the caller's scope. UserException where it is damaged, or none.</summary>
    internal static (SavedState Saved, IReadOnlyDictionary<string, string> Metadata) Read(string path)
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
}
