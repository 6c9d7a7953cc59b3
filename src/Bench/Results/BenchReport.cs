using System.Runtime.Intrinsics.X86;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ModNet.Runtime;

namespace ModNet.Bench;

/// <summary>What a benchmark found, and on what.</summary>
/// <param name="Name">The benchmark's.</param>
/// <param name="Command">How it was started.</param>
/// <param name="Settings">How it was run.</param>
/// <param name="Peers">The versions of the libraries compared with, by their names.</param>
/// <param name="Cases">What was compared.</param>
/// <param name="Complete">Whether that is all there was to compare.</param>
public sealed record BenchReport(
    string Name, string Command, BenchSettings Settings, IReadOnlyDictionary<string, string> Peers, IReadOnlyList<BenchCase> Cases, bool Complete)
{
    private static readonly JsonSerializerOptions Layout = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>As it goes into a file.</summary>
    public JsonObject ToJson() => new()
    {
        ["benchmark"] = Name,
        ["command"] = Command,
        ["complete"] = Complete,
        ["commit"] = Revision(),
        ["time"] = DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", null),
        ["processor"] = Machine.Processor(),
        ["instructions"] = Instructions(),
        ["cores"] = Environment.ProcessorCount,
        ["threads"] = Settings.Threads,
        ["load_average"] = Load(),
        ["versions"] = new JsonObject
        {
            ["dotnet"] = $"{Environment.Version}",
            ["libtorch"] = Libtorch(),
            ["peers"] = new JsonObject(Peers.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value))),
        },
        ["pace"] = new JsonObject
        {
            ["rounds"] = Settings.Pace.Rounds,
            ["warm_up_seconds"] = Settings.Pace.WarmUp,
            ["sample_seconds"] = Settings.Pace.Sample,
            ["peer_wait"] = Settings.PeerWait.ToString().ToLowerInvariant(),
        },
        ["cases"] = new JsonArray([.. Cases.Select(c => c.ToJson())]),
    };

    /// <summary>Writes the file whole, and the folder it is in where there is none. UserException where it cannot.</summary>
    public void Write(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            WholeFile.Write(path, ToJson().ToJsonString(Layout) + "\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserException(path, "a file that can be written", e.Message, "give another one with --out");
        }
    }

    /// <summary>The widest vector instructions there are here: libraries choose their code by these, and ratios go with them.</summary>
    public static string Instructions() =>
        Avx512F.IsSupported ? "AVX-512" : Avx2.IsSupported ? "AVX2" : $"vectors of {Machine.Simd()}";

    // A busy machine shows in the results of whoever reads them later.
    private static JsonNode? Load() =>
        File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : null;

    private static JsonNode? Revision() => CommitModule.current()?.Value is Commit commit
        ? new JsonObject { ["hash"] = commit.Hash, ["dirty"] = commit.Dirty }
        : null;

    private static string? Libtorch() =>
        Machine.Describe().FirstOrDefault(d => d.Name == "libtorch").Value;
}
