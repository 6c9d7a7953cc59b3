using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace ModNet.Runtime;

/// <summary>
/// A lock between processes: a file that one of them alone holds open. Disposing frees it, and when a process dies, the system frees its
/// locks.
/// </summary>
public sealed class FileLock : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly FileStream _file;

    private FileLock(FileStream file) => _file = file;

    /// <summary>
    /// Takes the lock at a path, whose folder is made if it is missing; null where another process holds it. UserException where the folder
    /// cannot be written. The file stays, unless freeing the lock <paramref name="removes"/> it.
    /// </summary>
    public static FileLock? TryTake(string path, bool removes = false)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        try
        {
            Directory.CreateDirectory(folder);
            FileOptions options = removes ? FileOptions.DeleteOnClose : FileOptions.None;
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None, 1, options);
            SignWith(file, Environment.ProcessId);
            return new(file);
        }
        catch (IOException e) when (IsInUse(e))
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refused(folder, e);
        }
    }

    /// <summary>Whether a process, this one or another, holds the lock at a path. Takes nothing and leaves no file.</summary>
    public static bool IsHeld(string path)
    {
        try
        {
            // Readers share the file with each other, and not with its holder.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1);
            return false;
        }
        catch (IOException e) when (IsInUse(e))
        {
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Names the process that holds the lock at a path, as well as that can be known.</summary>
    public static string HolderOf(string path)
    {
        const string unknown = "another process";
        using SafeFileHandle? file = FolderEntries.OpenLocked(path);
        if (file is null)
        {
            return unknown;
        }

        var digits = new byte[16];
        int read = RandomAccess.Read(file, digits, 0);
        return int.TryParse(digits.AsSpan(0, read), NumberStyles.None, CultureInfo.InvariantCulture, out int process)
            ? FormattableString.Invariant($"process {process}")
            : unknown;
    }

    // So that whoever waits can see for whom.
    private static void SignWith(FileStream file, int process)
    {
        file.SetLength(0);
        file.Write(Encoding.ASCII.GetBytes(process.ToString(CultureInfo.InvariantCulture)));
        file.Flush();
    }

    /// <summary>
    /// Takes the lock that stands for changes to a folder; waits for its turn for up to two minutes. UserException where another process holds
    /// it for longer.
    /// </summary>
    public static FileLock OfChanges(string folder)
    {
        // Not in the folder itself, which is the user's and may be under version control.
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Path.GetFullPath(folder))));
        string path = Path.Combine(Path.GetTempPath(), $"modnet-{name[..16]}.lock");
        DateTime until = DateTime.UtcNow + Patience;
        while (true)
        {
            if (TryTake(path) is FileLock taken)
            {
                return taken;
            }

            if (DateTime.UtcNow > until)
            {
                throw new UserException(
                    path, "a lock that is free", $"one that {HolderOf(path)} has held for {Patience.TotalMinutes:F0} minutes",
                    "see whether a `reproduce` hangs, and end it");
            }

            Thread.Sleep(50);
        }
    }

    /// <summary>The exception that gives the system's reason why nothing can be written into a folder.</summary>
    internal static UserException Refused(string folder, Exception e) =>
        new(folder, "a folder that can be written", e.Message, "give another one with --out");

    // The error of a file that another process has locked: EAGAIN on Linux and macOS, a sharing violation on Windows.
    private static bool IsInUse(IOException e) => (e.HResult & 0xFFFF) is 11 or 35 or 32;

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
