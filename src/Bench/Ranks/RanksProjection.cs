using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>
/// What measured times and bytes would come to on more ranks, on paper. Each rank has a minibatch of the measured size to itself (the whole minibatch grows with the ranks) and a
/// machine of its own. A step takes what it takes on one rank, and then its messages: bytes over bandwidth, and <see cref="Latency"/> for each of the R − 1 messages of an exchange. Nothing
/// overlaps, and every rank sends at full speed while it receives.
/// </summary>
/// <param name="StepSeconds">A gradient step on one rank, its part of the E-step included.</param>
/// <param name="GradientBytes">What a gradient takes, in bytes.</param>
/// <param name="RowBytes">What the rows of a rank's minibatch take on their way to a modular layer, or back; null where modules are too few to live apart.</param>
public sealed record RanksProjection(double StepSeconds, double GradientBytes, double? RowBytes)
{
    /// <summary>Seconds that a message takes beside its bytes; usual for 10 and 100 Gb/s Ethernet with TCP.</summary>
    public const double Latency = 20e-6;

    /// <summary>Steps between two averages of loose rounds.</summary>
    public const int Round = 100;

    private static readonly int[] Ranks = [8, 64, 1024];

    private static readonly (string Name, double Bits)[] Networks = [("10 Gb/s", 10e9), ("100 Gb/s", 100e9)];

    /// <summary>By way and network: the share of each rank's time that is not spent on messages, at 8, 64 and 1,024 ranks.</summary>
    public JsonObject ToFacts()
    {
        var facts = new JsonObject();
        foreach ((string network, double bits) in Networks)
        {
            void Add(string way, Func<int, double> messages) => facts.Add(
                $"on_paper: {way}, {network}, 8 / 64 / 1,024 ranks",
                string.Join(" / ", Ranks.Select(ranks => FormattableString.Invariant($"{100 * StepSeconds / (StepSeconds + messages(ranks)):0.0} %"))));

            // One exchange to the owners of pieces, and one back.
            double Sum(int ranks) => 2 * Exchange(GradientBytes, ranks, bits);
            Add("gradients summed in every step", Sum);
            if (RowBytes is double rows)
            {
                // To the modules and back, forward and backward.
                Add("modules that live on ranks", ranks => 4 * Exchange(rows, ranks, bits));
            }

            Add($"loose rounds of {Round} steps", ranks => Sum(ranks) / Round);
            Add("many runs, as an array", _ => 0);
        }

        return facts;
    }

    private static double Exchange(double bytes, int ranks, double bits) => 8 * bytes * (ranks - 1) / ranks / bits + Latency * (ranks - 1);
}
