using System.Globalization;

namespace ModNet.Runtime;

/// <summary>
/// The checkpoints in a run's folder: the newest is <c>checkpoint.safetensors</c>, those before are
/// <c>checkpoints/STEP.safetensors</c>.
/// </summary>
/// <remarks>
/// At every moment one that is whole has its name: the newest gets its step's name beside its own, then the next, which is already on
/// the disk, takes its place. Where files have one name only there is a moment between in which only the step's is there.
/// </remarks>
internal sealed class KeptCheckpoints(string folder)
{
    /// <summary>The name of the newest.</summary>
    internal const string FileName = "checkpoint.safetensors";

    /// <summary>The folder of those before.</summary>
    internal const string FolderName = "checkpoints";

    private const string Damaged = ".damaged";

    private readonly string _before = Path.Combine(folder, FolderName);

    /// <summary>Where the newest is, or will be.</summary>
    internal string Newest { get; } = Path.Combine(folder, FileName);

    /// <summary>Those that are there, the newest first.</summary>
    internal IEnumerable<string> Paths => (File.Exists(Newest) ? [Newest] : Array.Empty<string>()).Concat(Before());

    /// <summary>Gives the newest the name of its step, where it is to be kept beside the one after it, of <paramref name="step"/>.</summary>
    internal void MakeRoom(long step, int keep)
    {
        if (keep > 1 && StepOf(Newest) is long earlier && earlier < step)
        {
            Directory.CreateDirectory(_before);
            File.Delete(PathOf(earlier));
            if (!FolderEntries.TryLink(Newest, PathOf(earlier)))
            {
                File.Move(Newest, PathOf(earlier), overwrite: true);
            }

            FolderEntries.Flush(_before);
        }
    }

    /// <summary>Removes the oldest, so that <paramref name="keep"/> remain.</summary>
    internal void Prune(int keep)
    {
        foreach (string path in Before().Skip(keep - 1).ToArray())
        {
            try
            {
                File.Delete(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // One too many harms nobody, and the next checkpoint tries again.
            }
        }
    }

    /// <summary>
    /// Makes <paramref name="good"/>, from which the run goes on, the newest: what is newer is damaged, and keeps another name.
    /// </summary>
    internal void SetAside(string good)
    {
        foreach (string path in Paths.TakeWhile(p => p != good).ToArray())
        {
            File.Move(path, path + Damaged, overwrite: true);
        }
    }

    /// <summary>Removes all, with what was set aside; other files stay.</summary>
    internal void Clear()
    {
        File.Delete(Newest);
        File.Delete(Newest + Damaged);
        if (!Directory.Exists(_before))
        {
            return;
        }

        foreach (string path in Directory.GetFiles(_before))
        {
            string name = Path.GetFileName(path);
            if (IsOwn(name) || (name.EndsWith(Damaged, StringComparison.Ordinal) && IsOwn(name[..^Damaged.Length])))
            {
                File.Delete(path);
            }
        }

        if (!Directory.EnumerateFileSystemEntries(_before).Any())
        {
            Directory.Delete(_before);
        }
    }

    private IEnumerable<string> Before() => Directory.Exists(_before)
        ? Directory.GetFiles(_before)
            .Where(path => IsOwn(Path.GetFileName(path)))
            .OrderByDescending(path => long.Parse(Path.GetFileNameWithoutExtension(path), CultureInfo.InvariantCulture))
        : [];

    private string PathOf(long step) => Path.Combine(_before, step.ToString(CultureInfo.InvariantCulture) + ".safetensors");

    // As many digits as a step can have and no more.
    private static bool IsOwn(string name) =>
        name.EndsWith(".safetensors", StringComparison.Ordinal)
        && long.TryParse(Path.GetFileNameWithoutExtension(name), NumberStyles.None, CultureInfo.InvariantCulture, out _);

    // One that cannot be read, or is of a version that did not say, is not worth keeping beside a whole one.
    private static long? StepOf(string path)
    {
        try
        {
            return File.Exists(path)
                && Safetensors.ReadMetadata(path).TryGetValue("step", out string? step)
                && long.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out long found)
                ? found
                : null;
        }
        catch (UserException)
        {
            return null;
        }
    }
}
