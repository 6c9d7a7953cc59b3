namespace ModNet.Bench;

/// <summary>Which of the peers' programs was the fastest beside ours, and by how much ours is faster than that one.</summary>
public static class FasterPeer
{
    /// <summary>What results call it.</summary>
    public const string Name = "faster_peer";

    /// <summary>The case with the name of the fastest of <paramref name="theirs"/> and the ratio of its time to ours; as it is where there are none.</summary>
    public static BenchCase WithFaster(this BenchCase one, Timing ours, IEnumerable<Timing> theirs, Goal? goal = null)
    {
        if (theirs.MinBy(t => t.Seconds.Median) is not Timing fastest)
        {
            return one;
        }

        one.Facts[Name] = fastest.Name;
        return one with { Ratios = [.. one.Ratios, Ratio.Of($"faster peer / {ours.Name}", fastest, ours, goal)] };
    }
}
