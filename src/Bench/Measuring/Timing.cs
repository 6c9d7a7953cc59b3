namespace ModNet.Bench;

/// <summary>How long a contender took.</summary>
/// <param name="Name">The contender's.</param>
/// <param name="Calls">How often it ran within each sample.</param>
/// <param name="Samples">Seconds per call, in the order of rounds.</param>
public sealed record Timing(string Name, int Calls, IReadOnlyList<double> Samples)
{
    /// <summary>Seconds per call.</summary>
    public Spread Seconds => Spread.Of(Samples);
}
