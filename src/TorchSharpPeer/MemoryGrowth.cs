using System.Globalization;

namespace ModNet.TorchSharpPeer;

/// <summary>This process's resident memory, as Linux tells it.</summary>
internal static class MemoryGrowth
{
    /// <summary>Bytes by which the peak of resident memory during an action was above what was resident before.</summary>
    internal static long During(Action action)
    {
        // Sets the peak to what is resident now.
        File.WriteAllText("/proc/self/clear_refs", "5");
        long before = Read("VmRSS:");
        action();
        return Read("VmHWM:") - before;
    }

    // «VmRSS:	  123456 kB»
    private static long Read(string name)
    {
        string line = File.ReadLines("/proc/self/status").First(l => l.StartsWith(name, StringComparison.Ordinal));
        return long.Parse(line[name.Length..^2].Trim(), CultureInfo.InvariantCulture) * 1024;
    }
}
