namespace ModNet.Bench;

/// <summary>How long and how often contenders run.</summary>
/// <param name="Rounds">Samples of each; every round takes one of each in turn.</param>
/// <param name="WarmUp">Seconds each runs before, at least once.</param>
/// <param name="Sample">Seconds that a sample takes at least; calls are repeated within it.</param>
/// <param name="Pause">
/// Seconds between samples: the threads of the one before, which may spin while they wait for more, go to sleep.
/// </param>
public sealed record Pace(int Rounds, double WarmUp, double Sample, double Pause)
{
    /// <summary>What results are taken with.</summary>
    public static Pace Full { get; } = new(9, 2, 0.25, 0.02);

    /// <summary>A look.</summary>
    public static Pace Quick { get; } = new(3, 0.3, 0.05, 0.02);

    /// <summary>For tests: everything runs, nothing is worth reading.</summary>
    public static Pace Once { get; } = new(2, 0, 0, 0);
}
