namespace ModNet.Bench;

/// <summary>How one timing compares to another of the same run.</summary>
/// <param name="Name">What it says.</param>
/// <param name="Value">Of the medians.</param>
/// <param name="ByRound">Of the samples that were taken one after the other.</param>
/// <param name="Goal">What is asked of it; null where nothing is.</param>
public sealed record Ratio(string Name, double Value, Spread ByRound, Goal? Goal = null)
{
    /// <summary>The time of <paramref name="one"/> over that of <paramref name="other"/>.</summary>
    public static Ratio Of(string name, Timing one, Timing other, Goal? goal = null) => new(
        name,
        one.Seconds.Median / other.Seconds.Median,
        Spread.Of(one.Samples.Zip(other.Samples, (a, b) => a / b)),
        goal);
}

/// <summary>A bound that a ratio is to keep.</summary>
/// <param name="AtLeast">Whether it is a lower bound; else an upper one.</param>
/// <param name="Bound">The bound.</param>
public sealed record Goal(bool AtLeast, double Bound)
{
    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{(AtLeast ? "≥" : "≤")} {Bound}");
}
