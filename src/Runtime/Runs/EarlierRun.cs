using System.Globalization;
using System.Text;

namespace ModNet.Runtime;

/// <summary>
/// The files that a run wrote into its folder. A run that begins anew in that folder sets them aside or, if it was told to, removes them. All
/// other files in the folder are the user's, and stay.
/// </summary>
internal static class EarlierRun
{
    private static readonly string[] Files =
        ["spec.json", "data.json", "summary.json", "state.json", "report.html", "metrics.jsonl", RunFolder.Best,
        $"{RunFolder.Routing}.safetensors", "inspect.html", "edit.json", "edit.html"];

    /// <summary>
    /// Whether the folder holds a run that somebody may miss: one that has a checkpoint, the best one or the newest, or a summary, or has logged a
    /// minibatch.
    /// </summary>
    internal static bool IsIn(string folder) =>
        Checkpoint.IsIn(folder)
        || new[] { "summary.json", RunFolder.Best }.Any(name => File.Exists(Path.Combine(folder, name)))
        || HasTrained(Path.Combine(folder, "metrics.jsonl"));

    /// <summary>
    /// Moves the run's files into a new folder beside this one, <c>NAME.1</c> or the next number that is free, and returns its path. Files of
    /// one disk are renamed, so nothing is copied.
    /// </summary>
    internal static string SetAside(string folder)
    {
        string trimmed = Path.TrimEndingDirectorySeparator(folder);
        // The name of `.` is that of the folder which it stands for.
        string named = Path.GetFileName(trimmed) is "" or "." or ".." ? Path.GetFullPath(trimmed) : trimmed;
        if (Path.GetDirectoryName(Path.GetFullPath(named)) is null)
        {
            throw new UserException(folder, "a folder that another one can lie beside", "the root", "give another one with --out");
        }

        string aside = Enumerable.Range(1, int.MaxValue)
            .Select(n => $"{named}.{n.ToString(CultureInfo.InvariantCulture)}")
            .First(path => !Path.Exists(path));
        Directory.CreateDirectory(aside);
        foreach (string path in Paths(folder).ToArray())
        {
            string target = Path.Combine(aside, Path.GetRelativePath(folder, path));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Move(path, target);
        }

        RemoveEmptyFolders(folder);
        return aside;
    }

    /// <summary>Removes the run's files.</summary>
    internal static void Remove(string folder)
    {
        foreach (string path in Paths(folder).ToArray())
        {
            File.Delete(path);
        }

        RemoveEmptyFolders(folder);
    }

    // The newest checkpoint comes last: a folder whose run was moved in part only is still known to hold one.
    private static IEnumerable<string> Paths(string folder) =>
        Files.Select(name => Path.Combine(folder, name)).Where(File.Exists)
            .Concat(Traces(Path.Combine(folder, RunFolder.Routing)))
            .Concat(TensorBoardLog.FilesIn(folder))
            .Concat(new KeptCheckpoints(folder).AllFiles.Reverse());

    private static IEnumerable<string> Traces(string folder) => Directory.Exists(folder)
        ? Directory.GetFiles(folder, "*.safetensors").Where(file => Path.GetFileNameWithoutExtension(file).All(char.IsAsciiDigit))
        : [];

    private static void RemoveEmptyFolders(string folder)
    {
        foreach (string name in (string[])[RunFolder.Routing, KeptCheckpoints.FolderName, TensorBoardLog.FolderName])
        {
            string path = Path.Combine(folder, name);
            if (Directory.Exists(path) && !Directory.EnumerateFileSystemEntries(path).Any())
            {
                Directory.Delete(path);
            }
        }
    }

    private static bool HasTrained(string metrics) =>
        File.Exists(metrics) && File.ReadLines(metrics, Encoding.UTF8).Any(line => line.Contains("\"phase\":\"train\"", StringComparison.Ordinal));
}
