using System.Text.Json.Nodes;

namespace ModNet.Bench;

// The DSL's word of the same name is nearer.
using Dispatch = Runtime.Dispatch;

/// <summary>
/// A modular layer whose units have several layers, beside one dense network of libtorch's that does as many multiply-adds, and beside one product after the other for
/// each module: forward and backward, and with Adam's update.
/// </summary>
public static class UnitBenchmark
{
    private const double Bound = 0.7;
    private const string Dense = "libtorch, dense";

    /// <summary>All kinds of units, without and with the update.</summary>
    public static IEnumerable<BenchCase> Run(BenchSettings settings, IReadOnlyList<Peer> peers)
    {
        LayerSizes sizes = settings.Tiny ? LayerSizes.Tiny[0] : LayerSizes.Headline;
        foreach (UnitKind kind in UnitKind.All)
        {
            foreach (bool updating in new[] { false, true })
            {
                yield return Case(kind, sizes, updating, settings);
            }
        }
    }

    private static BenchCase Case(UnitKind kind, LayerSizes sizes, bool updating, BenchSettings settings)
    {
        string name = FormattableString.Invariant(
            $"units {kind.Name}, {sizes.Width} → {kind.Widening * sizes.Width} → {sizes.Width}, M = {sizes.Modules}, batch {sizes.Batch}, {(updating ? "forward, backward and Adam" : "forward and backward")}");
        settings.Say(name);
        using LayerStep ours = LayerStep.Modular(kind, sizes, Dispatch.Auto, updating);
        using LayerStep grouped = LayerStep.Modular(kind, sizes, Dispatch.Grouped, updating);
        using LayerStep dense = LayerStep.Dense(kind, sizes, updating);
        IReadOnlyList<Timing> timings = Interleaved.Measure(
            [Contender.Here("ModNet, auto", ours.Run), Contender.Here("ModNet, grouped", grouped.Run), Contender.Here(Dense, dense.Run)],
            settings.Pace,
            settings.Say,
            settings.Stop);
        double operations = 6.0 * sizes.Batch * sizes.Choose * kind.MultiplyAdds(sizes);
        JsonObject facts = new()
        {
            ["sizes"] = sizes.ToJson(),
            ["gflops"] = Math.Round(operations / timings[0].Seconds.Median / 1e9, 1),
            ["dense_gflops"] = Math.Round(operations / timings[2].Seconds.Median / 1e9, 1),
        };
        return new(
            name,
            timings,
            [
                Ratio.Of("dense / modular", timings[2], timings[0], updating || settings.Tiny ? null : new(true, Bound)),
                Ratio.Of("dense / modular, grouped", timings[2], timings[1]),
            ],
            facts);
    }
}
