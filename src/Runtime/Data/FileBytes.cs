using System.Collections.Concurrent;

namespace ModNet.Runtime;

/// <summary>
/// All bytes of a file, read once, so that the checksum is of what is loaded. A pipe can be read only once: its bytes are kept, and
/// whoever reads it again in this process gets them again.
/// </summary>
internal sealed record FileBytes(string Path, byte[] Bytes)
{
    private static readonly ConcurrentDictionary<string, byte[]> Pipes = new(StringComparer.Ordinal);

    /// <summary>What <c>summary.json</c> records of the file.</summary>
    internal DataFile File { get; } = DataFile.Of(System.IO.Path.GetFileName(Path), Bytes);

    /// <summary>Reads a file, a pipe or a device. UserException where it cannot be read.</summary>
    internal static FileBytes Read(string path) => DataFile.Reading(path, () => new FileBytes(path, BytesOf(path)));

    private static byte[] BytesOf(string path)
    {
        if (Pipes.TryGetValue(path, out byte[]? kept) && !HasLength(path))
        {
            return kept;
        }

        using FileStream stream = System.IO.File.OpenRead(path);
        if (stream.CanSeek)
        {
            return System.IO.File.ReadAllBytes(path);
        }

        using var content = new MemoryStream();
        stream.CopyTo(content);
        return Pipes[path] = content.ToArray();
    }

    // Pipes have none, and what their links name, such as pipe:[123], is no file. A file that has taken a pipe's place is read.
    private static bool HasLength(string path) =>
        (System.IO.File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path)) is FileInfo { Exists: true, Length: > 0 };
}
