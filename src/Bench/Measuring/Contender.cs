using System.Diagnostics;

namespace ModNet.Bench;

/// <summary>Something to be timed.</summary>
/// <param name="Name">Unique among those it is timed beside.</param>
/// <param name="Run">Does it so many times, and says how many seconds that took in all.</param>
public sealed record Contender(string Name, Func<int, double> Run)
{
    /// <summary>Ours, in this process.</summary>
    public static Contender Here(string name, Action once) => new(name, calls =>
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < calls; i++)
        {
            once();
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    });
}
