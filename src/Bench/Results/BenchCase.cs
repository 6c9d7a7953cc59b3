using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>One thing that was compared.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Timings">Those that ran side by side.</param>
/// <param name="Ratios">What they say of each other.</param>
/// <param name="Facts">All else: sizes, variants, memory, rates, and why something did not run.</param>
public sealed record BenchCase(
    string Name, IReadOnlyList<Timing> Timings, IReadOnlyList<Ratio> Ratios, JsonObject Facts)
{
    /// <summary>Times ours beside the peers' programs, and says how each of theirs, and the fastest of them, compares to ours.</summary>
    public static BenchCase Beside(
        string name, Action ours, IEnumerable<Contender> theirs, Goal? goal, JsonObject facts, BenchSettings settings)
    {
        IReadOnlyList<Timing> timings = Interleaved.Measure(
            [Contender.Here("ModNet", ours), .. theirs], settings.Pace, settings.Say, settings.Stop);
        Ratio[] ratios = [.. timings.Skip(1).Select(t => Ratio.Of($"{t.Name} / ModNet", t, timings[0]))];
        return new BenchCase(name, timings, ratios, facts).WithFaster(timings[0], timings.Skip(1), goal);
    }

    /// <summary>As it goes into results.</summary>
    public JsonObject ToJson() => new()
    {
        ["name"] = Name,
        ["seconds"] = new JsonArray([.. Timings.Select(t => WithSpread(
            new() { ["name"] = t.Name },
            t.Seconds,
            ("calls_per_sample", t.Calls),
            ("samples", new JsonArray([.. t.Samples.Select(s => JsonValue.Create(s))]))))]),
        ["ratios"] = new JsonArray([.. Ratios.Select(r => WithSpread(
            new() { ["name"] = r.Name, ["of_medians"] = r.Value },
            r.ByRound,
            ("goal", r.Goal?.ToString())))]),
        ["facts"] = Facts.DeepClone(),
    };

    private static JsonObject WithSpread(JsonObject entry, Spread spread, params (string Name, JsonNode? Value)[] rest)
    {
        entry["minimum"] = spread.Minimum;
        entry["median"] = spread.Median;
        entry["maximum"] = spread.Maximum;
        foreach ((string name, JsonNode? value) in rest)
        {
            entry[name] = value;
        }

        return entry;
    }
}
