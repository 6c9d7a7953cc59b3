using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ModNet.Runtime;

/// <summary>
/// The folder of a run: <c>spec.json</c>, <c>metrics.jsonl</c>, <c>summary.json</c>, <c>checkpoint.safetensors</c> and earlier ones in
/// <c>checkpoints/</c>, <c>best.safetensors</c>, <c>state.json</c>, <c>data.json</c>, <c>report.html</c>, and the routing traces <c>routing.safetensors</c> and
/// <c>routing/STEP.safetensors</c>.
/// </summary>
public sealed class RunFolder : IDisposable
{
    // These files are read by people and by JSON parsers and are never pasted into a page, so JSON's own escapes are enough.
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The name of the last routing trace, without its ending, and of the folder of earlier ones.</summary>
    internal const string Routing = "routing";

    /// <summary>The name of the checkpoint with which the validation set was the most probable.</summary>
    internal const string Best = "best.safetensors";

    /// <summary>The name of the file that one process alone holds while a run is at work in a folder.</summary>
    internal const string Lock = "run.lock";

    private readonly FileLock? _lock;
    private readonly FileStream? _file;

    // The checksum of all lines of metrics.
    private readonly IncrementalHash _checksum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    private RunFolder(string path, FileLock @lock, FileStream metrics)
    {
        (Path, _lock, _file) = (path, @lock, metrics);
        ReadChecksum(metrics.Length);
    }

    private RunFolder(string path) => Path = path;

    /// <summary>The path of the folder.</summary>
    public string Path { get; }

    /// <summary>Where the run that lay in the folder was moved to; null where there was none, or it was replaced.</summary>
    public string? Aside { get; private set; }

    /// <summary>
    /// Makes the folder for a run that begins. An earlier run in it is set aside, into a folder beside it that <see cref="Aside"/> names, or
    /// replaced with <paramref name="overwrite"/>. UserException where a run is at work in it.
    /// </summary>
    public static RunFolder Create(string path, bool overwrite = false) => Open(path, () =>
    {
        if (overwrite || !EarlierRun.IsIn(path))
        {
            EarlierRun.Remove(path);
            return null;
        }

        return EarlierRun.SetAside(path);
    });

    /// <summary>
    /// Does to a folder what <see cref="Create"/> does before a run begins, and begins none: where an earlier run was moved to, or null where there was none, or it was
    /// removed. UserException where a run is at work in it.
    /// </summary>
    public static string? Clear(string path, bool overwrite = false)
    {
        if (!Directory.Exists(path))
        {
            return null;
        }

        using RunFolder cleared = Create(path, overwrite);
        File.Delete(cleared.PathOf("metrics.jsonl"));
        return cleared.Aside;
    }

    /// <summary>
    /// The folder of a run that another rank writes (<see cref="Ranks.Leads"/>): what is said to it is dropped, and what is asked is read from the files that are there.
    /// </summary>
    public static RunFolder Follow(string path) => new(path);

    /// <summary>Whether another rank writes this folder.</summary>
    internal bool Follows => _file is null;

    private FileStream Lines => _file ?? throw new InvalidOperationException("another rank writes this folder");

    /// <summary>Opens the folder of an earlier run as it is, or makes it. UserException where a run is at work in it or it cannot be written.</summary>
    public static RunFolder Open(string path) => Open(path, () => null);

    // Clears the folder, once it is held, by `clear`, which says where an earlier run went.
    private static RunFolder Open(string path, Func<string?> clear)
    {
        // One run alone holds this file while it works.
        string lockPath = System.IO.Path.Combine(path, Lock);
        FileLock held = FileLock.TryTake(lockPath, removes: true) ?? throw new UserException(
            path, "a folder that no run is at work in", $"one that {FileLock.HolderOf(lockPath)} is using",
            "wait for that run or stop it, or give another folder with --out");
        try
        {
            ClearUnfinished(path);
            string? aside = clear();
            // Without a buffer, so that closing the file does not try again to write what a full disk refused.
            var metrics = new FileStream(
                System.IO.Path.Combine(path, "metrics.jsonl"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
            return new(path, held, metrics) { Aside = aside };
        }
        catch (Exception e)
        {
            held.Dispose();
            if (e is IOException or UnauthorizedAccessException)
            {
                throw FileLock.Refused(path, e);
            }

            throw;
        }
    }

    // Removes the files that a killed run was writing. No other run writes here, because this one holds the lock.
    private static void ClearUnfinished(string path)
    {
        foreach (string file in Directory.GetFiles(path, "*" + UnfinishedPath.Ending))
        {
            File.Delete(file);
        }
    }

    /// <summary>Whether a run is at work in a folder just now.</summary>
    public static bool IsAtWork(string path) => FileLock.IsHeld(System.IO.Path.Combine(path, Lock));

    /// <summary>The path of a file in the folder.</summary>
    public string PathOf(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>
    /// Flushes the metrics to the disk, and returns their length in bytes and their SHA-256 in lower-case hexadecimal. UserException where
    /// the disk refuses.
    /// </summary>
    public (long Bytes, string Sha256) FlushMetrics() => Follows ? (0, MetricsChecksum) : WithMetrics(() =>
    {
        Lines.Flush(flushToDisk: true);
        return (Lines.Length, MetricsChecksum);
    });

    /// <summary>Appends a line of metrics. UserException where the disk refuses.</summary>
    public void Append(MetricsLine line)
    {
        if (!Follows)
        {
            WithMetrics(() =>
            {
                byte[] bytes = Encoding.UTF8.GetBytes(line.ToJson() + "\n");
                Lines.Write(bytes);
                _checksum.AppendData(bytes);
                return 0;
            });
        }
    }

    /// <summary>The SHA-256 of the lines of metrics, in lower-case hexadecimal.</summary>
    internal string MetricsChecksum => Convert.ToHexStringLower(_checksum.GetCurrentHash());

    // Leaves the file's position after the bytes that were read.
    private void ReadChecksum(long bytes)
    {
        _checksum.GetHashAndReset();
        Lines.Seek(0, SeekOrigin.Begin);
        var chunk = new byte[1 << 16];
        while (bytes > 0)
        {
            int read = Lines.Read(chunk, 0, (int)Math.Min(chunk.Length, bytes));
            if (read == 0)
            {
                return;
            }

            _checksum.AppendData(chunk, 0, read);
            bytes -= read;
        }
    }

    private TResult WithMetrics<TResult>(Func<TResult> action)
    {
        if (_lock?.Lost is string other)
        {
            throw new UserException(
                Path, "a folder that this run alone writes to", $"one that {other} has taken: for half a minute this machine gave it no sign of life",
                "see what held this machine up, such as a file server that did not answer; the run goes on there");
        }

        try
        {
            return action();
        }
        catch (IOException e)
        {
            throw WholeFile.Refused(
                PathOf("metrics.jsonl"), e, "see to it, then go on with --resume: checkpoints are as they were");
        }
    }

    /// <summary>Drops all metrics after the first <paramref name="bytes"/>. UserException where there are fewer.</summary>
    public void CutMetrics(long bytes)
    {
        if (Follows)
        {
            return;
        }

        if (bytes > Lines.Length)
        {
            throw new UserException(
                PathOf("metrics.jsonl"), $"at least {bytes} bytes, as the checkpoint says", $"{Lines.Length}",
                "put the file back, or start anew without --resume");
        }

        Lines.SetLength(bytes);
        ReadChecksum(bytes);
    }

    /// <summary>The lines of metrics so far. UserException where one cannot be read.</summary>
    public IReadOnlyList<MetricsLine> Metrics()
    {
        if (Follows)
        {
            using var file = new StreamReader(new FileStream(PathOf("metrics.jsonl"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
            return Parsed(file);
        }

        Lines.Seek(0, SeekOrigin.Begin);
        using var reader = new StreamReader(Lines, leaveOpen: true);
        MetricsLine[] lines = Parsed(reader);
        Lines.Seek(0, SeekOrigin.End);
        return lines;
    }

    private MetricsLine Parse(string line, int number)
    {
        try
        {
            return MetricsLine.Parse(line);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new UserException(
                $"{PathOf("metrics.jsonl")}, line {number}", "a line of metrics", e.Message.TrimEnd('.'),
                "put the file back as it was, or start anew without --resume");
        }
    }

    private MetricsLine[] Parsed(StreamReader reader) => [.. Each(reader).Select((line, number) => Parse(line, number + 1))];

    private static IEnumerable<string> Each(StreamReader reader)
    {
        while (reader.ReadLine() is string line)
        {
            yield return line;
        }
    }

    /// <summary>Writes a JSON file, whole or not at all.</summary>
    public void WriteJson(string name, JsonNode content)
    {
        if (!Follows)
        {
            WholeFile.Write(PathOf(name), content.ToJsonString(Indented) + "\n");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _checksum.Dispose();
        _file?.Dispose();
        _lock?.Dispose();
    }
}
