using System.Globalization;

namespace ModNet.Runtime;

/// <summary>
/// The checkpoints in a run's folder: the newest is <c>checkpoint.safetensors</c>, and the earlier ones are
/// <c>checkpoints/STEP.safetensors</c>.
/// </summary>
/// <remarks>
/// At every moment some whole checkpoint has its name. The newest first gets the name of its step as a second name, and then the next one,
/// which is already on the disk, takes the newest's name. Where files cannot have two names, there is a moment when only the name of the
/// step exists.
/// </remarks>
internal sealed class KeptCheckpoints(string folder)
{
    /// <summary>The file name of the newest checkpoint.</summary>
    internal const string FileName = "checkpoint.safetensors";

    /// <summary>The folder of the earlier checkpoints.</summary>
    internal const string FolderName = "checkpoints";

    private const string Damaged = ".damaged";

    private readonly string _before = Path.Combine(folder, FolderName);

    /// <summary>The path of the newest checkpoint, whether or not it exists.</summary>
    internal string Newest { get; } = Path.Combine(folder, FileName);

    /// <summary>The paths of the checkpoints that exist, the newest first.</summary>
    internal IEnumerable<string> Paths => (File.Exists(Newest) ? [Newest] : Array.Empty<string>()).Concat(Before());

    /// <summary>Gives the newest checkpoint the name of its step, if it is to be kept when the one of <paramref name="step"/> replaces it.</summary>
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

    /// <summary>Removes the oldest checkpoints, so that <paramref name="keep"/> remain.</summary>
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
                // An extra checkpoint does no harm, and the next one tries again to remove it.
            }
        }
    }

    /// <summary>Renames the checkpoints that are newer than <paramref name="good"/>, from which the run goes on: they are damaged.</summary>
    internal void SetAside(string good)
    {
        foreach (string path in Paths.TakeWhile(p => p != good).ToArray())
        {
            File.Move(path, path + Damaged, overwrite: true);
        }
    }

    /// <summary>The paths of all checkpoints that exist, beginning with the newest, and of those that were set aside as damaged.</summary>
    internal IEnumerable<string> AllFiles =>
        new[] { Newest, Newest + Damaged }.Where(File.Exists)
            .Concat(Directory.Exists(_before) ? Directory.GetFiles(_before).Where(path => IsOwnOrDamaged(Path.GetFileName(path))) : []);

    private IEnumerable<string> Before() => Directory.Exists(_before)
        ? Directory.GetFiles(_before)
            .Where(path => IsOwn(Path.GetFileName(path)))
            .OrderByDescending(path => long.Parse(Path.GetFileNameWithoutExtension(path), CultureInfo.InvariantCulture))
        : [];

    private string PathOf(long step) => Path.Combine(_before, step.ToString(CultureInfo.InvariantCulture) + ".safetensors");

    // A step in digits that fits a long.
    private static bool IsOwn(string name) =>
        name.EndsWith(".safetensors", StringComparison.Ordinal)
        && long.TryParse(Path.GetFileNameWithoutExtension(name), NumberStyles.None, CultureInfo.InvariantCulture, out _);

    private static bool IsOwnOrDamaged(string name) =>
        IsOwn(name) || (name.EndsWith(Damaged, StringComparison.Ordinal) && IsOwn(name[..^Damaged.Length]));

    // Null for a file that cannot be read or does not tell its step; it is not worth keeping beside a whole one.
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
