namespace ModNet.Runtime;

/// <summary>
/// Writes files whole or not at all: under a temporary name, flushed to the disk and then renamed, after which the folder is flushed.
/// UserException where the disk refuses; an earlier file is then as it was.
/// </summary>
public static class WholeFile
{
    /// <summary>Writes text as UTF-8.</summary>
    public static void Write(string path, string text) =>
        Write(path, stream =>
        {
            using var writer = new StreamWriter(stream, leaveOpen: true);
            writer.Write(text);
        });

    /// <summary>
    /// Writes what <paramref name="write"/> puts into the stream. <paramref name="renaming"/> is called when all of it is on the disk,
    /// before the file takes its name.
    /// </summary>
    public static void Write(string path, Action<Stream> write, Action? renaming = null)
    {
        using var unfinished = new UnfinishedPath(path);
        try
        {
            using (var stream = new FileStream(unfinished.Path, FileMode.Create, FileAccess.Write))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            renaming?.Invoke();
            File.Move(unfinished.Path, path, overwrite: true);
            FolderEntries.Flush(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (DirectoryNotFoundException)
        {
            throw new UserException(path, "a directory that is there", "none", "make it first, or name another file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refused(path, e, "what lay there before is as it was; see to space and permissions, or name another place");
        }
    }

    /// <summary>The exception that gives the system's reason why a file cannot be written, without the name of the temporary file.</summary>
    internal static UserException Refused(string path, Exception e, string remedy) =>
        new(path, "a file that can be written", e.Message.Split(" : '")[0].TrimEnd('.'), remedy);
}
