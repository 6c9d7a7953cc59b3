using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>
/// How long a trained network takes to answer for one row and for 4,096: by a predictor, by way of tensors, and in the peers' libraries. Every call of one row
/// is timed by itself, so that the slowest of a hundred can be told.
/// </summary>
public static class PredictBenchmark
{
    private const int Calls = 2_000;

    /// <summary>One case for every number of rows.</summary>
    public static IEnumerable<BenchCase> Run(BenchSettings settings, IReadOnlyList<Peer> peers)
    {
        using var model = new PredictModel(settings.Tiny ? PredictSizes.Tiny : PredictSizes.Full);
        JsonObject facts = new() { ["sizes"] = model.Sizes.ToJson() };
        var ways = peers.ToDictionary(p => p, model.OpenPeer);
        foreach (int rows in model.Sizes.Batches)
        {
            string part = $"{rows}";
            string name = $"answers for {rows} {(rows == 1 ? "row" : "rows")}";
            settings.Say(name);
            JsonObject own = facts.DeepClone().AsObject();
            IEnumerable<Contender> theirs = peers.Select(peer =>
                peer.Contender(peer.Kind.Name, Tuning.Told(part, Tuning.Of(peer, part, ways[peer][part]!, 20, own, settings).Variant)));
            List<Contender> contenders =
            [
                Contender.Here("ModNet, predictor", () => model.Ask(rows, settings.Threads)),
                Contender.Here("ModNet, tensors", () => model.AskGraph(rows)),
                .. theirs,
            ];
            // One call to a sample, where a call is a matter of microseconds.
            Pace pace = rows > 1 || settings.Tiny ? settings.Pace : new(Calls, settings.Pace.WarmUp, 0, 0);
            IReadOnlyList<Timing> timings = Interleaved.Measure(
                contenders, pace, rows > 1 || settings.Tiny ? settings.Say : _ => { }, settings.Stop);
            foreach (Timing timing in timings)
            {
                own[timing.Name] = Told(timing, rows);
            }

            own["gflops"] = Math.Round(2.0 * rows * model.Sizes.MultiplyAdds / timings[0].Seconds.Median / 1e9, 1);
            Ratio[] ratios = [.. timings.Skip(1).Select(t => Ratio.Of($"{t.Name} / {timings[0].Name}", t, timings[0]))];
            yield return new BenchCase(name, timings, ratios, own).WithFaster(timings[0], timings.Skip(2));
        }
    }

    private static string Told(Timing timing, int rows)
    {
        double[] sorted = [.. timing.Samples.Order()];
        double At(double share) => sorted[(int)Math.Min(sorted.Length - 1, Math.Floor(share * sorted.Length))];
        return FormattableString.Invariant(
            $"p50 {At(0.5) * 1e6:F1} µs, p99 {At(0.99) * 1e6:F1} µs of {sorted.Length} samples; {rows / At(0.5):F0} rows/s");
    }
}
