using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace ModNet.Runtime;

/// <summary>
/// What the file of a lock says of its holder: a process, when that began, its machine, since when it holds the lock, a word that no other lock has, and
/// a number that grows for as long as it lives.
/// </summary>
internal sealed record LockRecord(int Process, string Began, string Host, string Machine, string Since, string Token, long Beat)
{
    private const int MostBytes = 1024;
    private const string Unknown = "-";

    // A process's number means something on one machine since its start, and in one space of processes, such as that of a container.
    private static readonly string Here = $"{FirstLine("/proc/sys/kernel/random/boot_id")}/{PidSpace()}";

    /// <summary>A record of this process, which begins to hold a lock now.</summary>
    internal static LockRecord OfThisProcess() => new(
        Environment.ProcessId, BeginningOf(Environment.ProcessId) ?? Unknown, Environment.MachineName, Here,
        DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture), Guid.NewGuid().ToString("N"), 0);

    /// <summary>Whether the holder runs on this machine, whose processes can be looked at.</summary>
    internal bool IsOfThisMachine => Machine == Here;

    /// <summary>Whether the holder, which is of this machine, is still there.</summary>
    internal bool IsAlive => BeginningOf(Process) == Began;

    /// <summary>The record in a file, whoever has locked it; null where there is none.</summary>
    internal static LockRecord? Read(string path)
    {
        using SafeFileHandle? file = FolderEntries.OpenLocked(path);
        return file is null ? null : Read(file);
    }

    /// <summary>The record in an open file; null where there is none.</summary>
    internal static LockRecord? Read(SafeFileHandle file)
    {
        var bytes = new byte[MostBytes];
        string text = Encoding.UTF8.GetString(bytes, 0, RandomAccess.Read(file, bytes, 0));
        // What follows the first line is of a longer record that was there before.
        string[] words = text.Split('\n', 2)[0].Split(' ');
        return words.Length == 7
            && int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out int process)
            && long.TryParse(words[6], NumberStyles.None, CultureInfo.InvariantCulture, out long beat)
            ? new(process, words[1], words[2], words[3], words[4], words[5], beat)
            : null;
    }

    /// <summary>The bytes of the record in the file; as many for every beat.</summary>
    internal byte[] ToBytes() =>
        Encoding.UTF8.GetBytes(FormattableString.Invariant($"{Process} {Began} {Host} {Machine} {Since} {Token} {Beat:D12}\n"));

    /// <summary>Names the holder for a person.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"process {Process}") + (IsOfThisMachine ? "" : $" on {Host}");

    // In ticks since the machine's start; null where there is no such process, or no /proc.
    private static string? BeginningOf(int process)
    {
        try
        {
            string text = File.ReadAllText(FormattableString.Invariant($"/proc/{process}/stat"));
            // The second field is the program's name in brackets, which may hold anything.
            string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            // A process that has ended, and that its parent has not asked for yet, holds nothing.
            return fields[0] is "Z" or "X" ? null : fields[19];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string FirstLine(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Environment.MachineName;
        }
    }

    private static string PidSpace()
    {
        try
        {
            return new FileInfo("/proc/self/ns/pid").LinkTarget ?? Unknown;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Unknown;
        }
    }
}
