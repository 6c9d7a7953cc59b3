using System.Globalization;

namespace ModNet.Bench;

/// <summary>This process's resident memory, as Linux tells it.</summary>
public static class ProcessMemory
{
    private const string Status = "/proc/self/status";

    /// <summary>
    /// By how many bytes the peak during <paramref name="action"/> was above what was resident before. Null where the system cannot tell.
    /// What the process has freed but kept is not growth, so only a fresh process says what something needs.
    /// </summary>
    public static long? PeakGrowth(Action action)
    {
        try
        {
            // Sets the peak to what is resident now.
            File.WriteAllText("/proc/self/clear_refs", "5");
            long before = Read("VmRSS:");
            action();
            return Read("VmHWM:") - before;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Bytes that programs could get without swapping; null where the system cannot tell.</summary>
    public static long? Available() => File.Exists("/proc/meminfo") ? Line("/proc/meminfo", "MemAvailable:") : null;

    private static long Read(string name) => Line(Status, name);

    // «VmRSS:	  123456 kB»
    private static long Line(string file, string name)
    {
        string line = File.ReadLines(file).First(l => l.StartsWith(name, StringComparison.Ordinal));
        string kilobytes = line[name.Length..].Replace("kB", "", StringComparison.Ordinal).Trim();
        return long.Parse(kilobytes, CultureInfo.InvariantCulture) * 1024;
    }
}
