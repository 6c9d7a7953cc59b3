using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ModNet.Runtime;

/// <summary>
/// What a run leaves: <c>spec.json</c>, <c>metrics.jsonl</c>, <c>summary.json</c>, <c>checkpoint.safetensors</c>,
/// <c>state.json</c> and <c>report.html</c>.
/// </summary>
public sealed class RunFolder : IDisposable
{
    // Read by people and JSON parsers, never pasted into a page as it is: no need to escape beyond JSON's own rules.
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    // Only these are cleared when a run starts over in its folder; whatever else lies there is the user's.
    private static readonly string[] Own =
        ["spec.json", "metrics.jsonl", "summary.json", "checkpoint.safetensors", "state.json", "report.html"];

    private readonly StreamWriter _metrics;

    private RunFolder(string path, StreamWriter metrics) => (Path, _metrics) = (path, metrics);

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Makes the folder, or clears the files of an earlier run out of it.</summary>
    public static RunFolder Create(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
            foreach (string file in Own)
            {
                File.Delete(System.IO.Path.Combine(path, file));
            }

            return new(path, new StreamWriter(System.IO.Path.Combine(path, "metrics.jsonl"), append: false));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserException(path, "a folder that can be written", e.Message, "give another one with --out");
        }
    }

    /// <summary>Where a file of the run lies.</summary>
    public string PathOf(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Appends a line of metrics.</summary>
    public void Append(MetricsLine line)
    {
        _metrics.WriteLine(line.ToJson());
        _metrics.Flush();
    }

    /// <summary>Writes a JSON file whole.</summary>
    public void WriteJson(string name, JsonNode content) =>
        WholeFile.Write(PathOf(name), content.ToJsonString(Indented) + "\n");

    /// <inheritdoc/>
    public void Dispose() => _metrics.Dispose();
}
