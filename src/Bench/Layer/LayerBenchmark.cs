using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>
/// A modular linear layer's forward, backward and update: beside one dense layer that does as many operations, beside a loop, a
/// batched product and all modules at once in PyTorch, and over M.
/// </summary>
public static class LayerBenchmark
{
    private const string Ours = "ModNet, modular";
    private const string Dense = "ModNet, dense";

    // Both sides' parameters with what an optimiser keeps of them, in PyTorch up to three times, and a copy while it works.
    private const int Copies = 4;

    /// <summary>Runs all sizes that there is memory for.</summary>
    public static IEnumerable<BenchCase> Run(BenchSettings settings, Peer? peer)
    {
        foreach (LayerSizes sizes in settings.Tiny ? LayerSizes.Tiny : LayerSizes.All)
        {
            yield return Run(sizes, settings, peer);
        }

        if (!settings.Tiny)
        {
            settings.Say("M = 16 beside M = 1,024");
            yield return OverModules(settings);
        }
    }

    private static BenchCase Run(LayerSizes sizes, BenchSettings settings, Peer? peer)
    {
        settings.Say(sizes.Name);
        JsonObject facts = new() { ["sizes"] = sizes.ToJson() };
        if (Lacking(sizes.Bytes * (peer is null ? 1 : Copies)) is string lacking)
        {
            facts["not_run"] = lacking;
            return new(sizes.Name, [], [], facts);
        }

        using LayerStep modular = LayerStep.Modular(sizes), dense = LayerStep.Dense(sizes);
        List<Contender> contenders = [Contender.Here(Ours, modular.Run), Contender.Here(Dense, dense.Run)];
        if (peer is not null)
        {
            contenders.AddRange(Theirs(sizes, peer, facts, settings));
        }

        IReadOnlyList<Timing> timings = Interleaved.Measure(contenders, settings.Pace, settings.Say, settings.Stop);
        facts["gflops"] = Math.Round(sizes.Operations / timings[0].Seconds.Median / 1e9, 1);
        List<Ratio> ratios = [Ratio.Of("dense / modular", timings[1], timings[0], sizes.IsHeadline ? new(true, 0.7) : null)];
        ratios.AddRange(timings.Skip(2).Select(t => Ratio.Of($"{t.Name} / {Ours}", t, timings[0])));
        peer?.Ask("close", new());
        return new(sizes.Name, timings, ratios, facts);
    }

    // Each way to write it in PyTorch, with the faster of its optimisers.
    private static IEnumerable<Contender> Theirs(LayerSizes sizes, Peer peer, JsonObject facts, BenchSettings settings)
    {
        JsonObject told = sizes.ToJson();
        told["model"] = "layer";
        JsonObject variants = peer.Ask("open", told).AsObject();
        foreach ((string way, JsonNode? list) in variants)
        {
            if (list is not JsonArray names)
            {
                facts[$"peer_{way}"] = $"not run: {list}";
                continue;
            }

            Tuning tuned = Tuning.Of(
                peer, way, [.. names.Select(n => n!.GetValue<string>())], settings.Tiny ? 1 : 2, settings.Say);
            facts[$"peer_{way}"] = tuned.ToJson();
            yield return peer.Contender($"PyTorch, {way}", Tuning.Told(way, tuned.Variant));
        }
    }

    // Cost is to follow what is chosen, not what exists: two sizes in one run.
    private static BenchCase OverModules(BenchSettings settings)
    {
        LayerSizes few = new(16, 1, 4096, 256, 16), many = new(1024, 1, 4096, 256, 1024);
        JsonObject facts = new() { ["sizes"] = new JsonArray(few.ToJson(), many.ToJson()) };
        const string name = "modular layer, M = 1024 beside M = 16";
        if (Lacking(many.Bytes) is string lacking)
        {
            facts["not_run"] = lacking;
            return new(name, [], [], facts);
        }

        using LayerStep small = LayerStep.Modular(few), large = LayerStep.Modular(many);
        IReadOnlyList<Timing> timings = Interleaved.Measure(
            [Contender.Here("M = 1024", large.Run), Contender.Here("M = 16", small.Run)],
            settings.Pace,
            settings.Say,
            settings.Stop);
        return new(name, timings, [Ratio.Of("M = 1024 / M = 16", timings[0], timings[1], new(false, 1.5))], facts);
    }

    private static string? Lacking(long bytes) =>
        ProcessMemory.Available() is long available && available < bytes
            ? FormattableString.Invariant($"it takes {bytes / 1e9:F1} GB of memory, and {available / 1e9:F1} GB are free")
            : null;
}
