using System.Collections.Concurrent;

namespace ModNet.Runtime;

/// <summary>
/// The temporary name of a file or folder that is being written, beside the name that it gets when all of it is there. What still lies under the
/// temporary name when this is disposed of is removed.
/// </summary>
public sealed class UnfinishedPath : IDisposable
{
    /// <summary>The ending of temporary names. A process that is killed outright may leave one.</summary>
    internal const string Ending = ".partial";

    private static readonly ConcurrentDictionary<string, bool> Open = new(StringComparer.Ordinal);

    /// <summary>A temporary name beside a path, which no other process has, of this machine or of another one that shares the folder.</summary>
    public UnfinishedPath(string path)
    {
        Path = $"{path}.{Environment.MachineName}-{Environment.ProcessId}{Ending}";
        Open[Path] = true;
    }

    /// <summary>The temporary name.</summary>
    public string Path { get; }

    /// <summary>Removes whatever this process has not finished writing: what a signal that ends the process calls for.</summary>
    public static void RemoveAll()
    {
        foreach (string path in Open.Keys)
        {
            Remove(path);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Remove(Path);
        Open.TryRemove(Path, out _);
    }

    private static void Remove(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
            }
            else
            {
                File.Delete(path);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The reason why it could not be written matters more than the part that stays.
        }
    }
}
