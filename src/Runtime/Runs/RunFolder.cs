using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ModNet.Runtime;

/// <summary>
/// What a run leaves: <c>spec.json</c>, <c>metrics.jsonl</c>, <c>summary.json</c>, <c>checkpoint.safetensors</c>,
/// <c>state.json</c>, <c>report.html</c>, and routing traces: <c>routing.safetensors</c>, <c>routing/STEP.safetensors</c>.
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
        ["spec.json", "metrics.jsonl", "summary.json", "checkpoint.safetensors", "state.json", "report.html",
        $"{Routing}.safetensors", "inspect.html"];

    /// <summary>What routing traces are called: the last one's file, and the folder of those before.</summary>
    internal const string Routing = "routing";

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

            ClearTraces(System.IO.Path.Combine(path, Routing));

            return new(path, new StreamWriter(System.IO.Path.Combine(path, "metrics.jsonl"), append: false));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserException(path, "a folder that can be written", e.Message, "give another one with --out");
        }
    }

    // What is called like a step's trace; the folder goes where nothing else is in it.
    private static void ClearTraces(string folder)
    {
        if (!Directory.Exists(folder))
        {
            return;
        }

        foreach (string file in Directory.GetFiles(folder, "*.safetensors"))
        {
            if (System.IO.Path.GetFileNameWithoutExtension(file).All(char.IsAsciiDigit))
            {
                File.Delete(file);
            }
        }

        if (!Directory.EnumerateFileSystemEntries(folder).Any())
        {
            Directory.Delete(folder);
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
