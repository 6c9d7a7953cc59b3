using System.Diagnostics;
using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>
/// Very many modules, of which a minibatch uses 256: M-steps and E-steps beside those of a layer that has these 256 modules and no others, and the memory that it takes.
/// </summary>
public static class MillionBenchmark
{
    private const double MostTimes = 1.3;

    /// <summary>A million modules whose rows are made when they are first written, then half a million that are all drawn, where memory suffices.</summary>
    public static IEnumerable<BenchCase> Run(BenchSettings settings, IReadOnlyList<Peer> peers)
    {
        MillionSizes sizes = settings.Tiny ? MillionSizes.Tiny : MillionSizes.Full;
        yield return Case(settings, sizes, sizes.Many, isDrawn: false);
        long bytes = Weights(sizes, sizes.Drawn);
        // The peak is the weights, and what is beside them.
        if (ProcessMemory.Available() is long available && available < bytes + (1L << 30))
        {
            settings.Say($"{Count(sizes.Drawn)} modules that are drawn are left out, because their {bytes >> 30} GiB of weights do not fit into what memory is free");
            yield break;
        }

        yield return Case(settings, sizes, sizes.Drawn, isDrawn: true);
    }

    private static BenchCase Case(BenchSettings settings, MillionSizes sizes, int[] digits, bool isDrawn)
    {
        string many = $"M = {Count(digits)}", few = $"M = {Count(sizes.Few)}";
        string name = $"{Count(digits)} modules {sizes.Width} → {sizes.Width}, {(isDrawn ? "all drawn" : "zeros at first")}, {Count(sizes.Few)} in use";
        settings.Say(name);
        MillionModel? large = null;
        IReadOnlyList<Timing> timings = [];
        try
        {
            double made = 0, reported = 0;
            long? peak = ProcessMemory.PeakGrowth(() =>
            {
                long start = Stopwatch.GetTimestamp();
                large = new(sizes, digits, sizes.Few, isDrawn);
                made = Stopwatch.GetElapsedTime(start).TotalSeconds;
                using var small = new MillionModel(sizes, sizes.Few, sizes.Few, isDrawn: true);
                timings = Interleaved.Measure(
                    [
                        Contender.Here($"{few}, M-step", small.Em.MStep),
                        Contender.Here($"{many}, M-step", large.Em.MStep),
                        Contender.Here($"{few}, E-step", () => small.Em.EStep()),
                        Contender.Here($"{many}, E-step", () => large.Em.EStep()),
                    ],
                    settings.Pace,
                    settings.Say,
                    settings.Stop);
                start = Stopwatch.GetTimestamp();
                large.Em.MStepAndReport();
                reported = Stopwatch.GetElapsedTime(start).TotalSeconds;
            });
            JsonObject facts = sizes.ToJson();
            facts["modules_in_use_at_the_end"] = large!.InUse;
            facts["gigabytes_of_weights"] = Math.Round(Weights(sizes, digits) / 1e9, 2);
            facts["gigabytes_at_most_above_the_start"] = peak is long most ? Math.Round(most / 1e9, 2) : null;
            facts["seconds_to_make_it"] = Math.Round(made, 2);
            facts["seconds_of_an_M_step_that_reports"] = Math.Round(reported, 4);
            return new(
                name,
                timings,
                [
                    Ratio.Of($"{many} / {few}, M-step", timings[1], timings[0], new(false, MostTimes)),
                    Ratio.Of($"{many} / {few}, E-step", timings[3], timings[2], new(false, MostTimes)),
                ],
                facts);
        }
        finally
        {
            large?.Dispose();
        }
    }

    private static string Count(int[] digits) => FormattableString.Invariant($"{digits.Aggregate(1, (a, b) => a * b):N0}");

    private static long Weights(MillionSizes sizes, int[] digits) =>
        digits.Aggregate(1L, (a, b) => a * b) * sizes.Width * (sizes.Width + 1) * sizeof(float);
}
