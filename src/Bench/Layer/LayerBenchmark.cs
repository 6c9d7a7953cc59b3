using System.Text.Json.Nodes;

namespace ModNet.Bench;

// The DSL's word of the same name is nearer.
using Unselected = Runtime.Unselected;

/// <summary>
/// A modular linear layer's forward, backward and update: beside one dense layer that does as many operations, beside a loop, a batched
/// product and all modules at once in the peers' libraries, and over M.
/// </summary>
public static class LayerBenchmark
{
    private const string Ours = "ModNet, modular";
    private const string Resting = "ModNet, modular, unselected rest";
    private const string Dense = "ModNet, dense";
    private const string DenseWay = "dense";

    // What an optimiser keeps of a peer's parameters it keeps up to three times, and a copy while it works.
    private const int CopiesOfAPeer = 3;

    /// <summary>Runs all sizes that there is memory for.</summary>
    public static IEnumerable<BenchCase> Run(BenchSettings settings, IReadOnlyList<Peer> peers)
    {
        foreach (LayerSizes sizes in settings.Tiny ? LayerSizes.Tiny : LayerSizes.All)
        {
            yield return Run(sizes, settings, peers);
        }

        if (!settings.Tiny)
        {
            settings.Say("M = 16 beside M = 1,024");
            yield return OverModules(settings);
        }
    }

    private static BenchCase Run(LayerSizes sizes, BenchSettings settings, IReadOnlyList<Peer> peers)
    {
        settings.Say(sizes.Name);
        JsonObject facts = new() { ["sizes"] = sizes.ToJson() };
        if (Lacking(sizes.Bytes * (1 + CopiesOfAPeer * peers.Count)) is string lacking)
        {
            facts["not_run"] = lacking;
            return new(sizes.Name, [], [], facts);
        }

        using LayerStep modular = LayerStep.Modular(sizes), resting = LayerStep.Modular(sizes, Unselected.Rest);
        using LayerStep dense = LayerStep.Dense(sizes);
        List<Contender> contenders =
            [Contender.Here(Ours, modular.Run), Contender.Here(Resting, resting.Run), Contender.Here(Dense, dense.Run)];
        contenders.AddRange(peers.SelectMany(peer => Theirs(sizes, peer, facts, settings)));
        IReadOnlyList<Timing> timings = Interleaved.Measure(contenders, settings.Pace, settings.Say, settings.Stop);
        facts["gflops"] = Math.Round(sizes.Operations / timings[0].Seconds.Median / 1e9, 1);
        Goal? goal = sizes.IsHeadline ? new(true, 0.7) : null;
        List<Ratio> ratios =
        [
            Ratio.Of("dense / modular", timings[2], timings[0], goal),
            Ratio.Of("dense / modular, unselected rest", timings[2], timings[1], goal),
        ];
        ratios.AddRange(timings.Skip(3).Select(t => Ratio.Of($"{t.Name} / {Ours}", t, timings[0])));
        foreach (Peer peer in peers)
        {
            peer.Ask("close", new());
        }

        // A dense layer does other work.
        IEnumerable<Timing> modularly = timings.Skip(3).Where(t => !t.Name.EndsWith(DenseWay, StringComparison.Ordinal));
        return new BenchCase(sizes.Name, timings, ratios, facts).WithFaster(timings[0], modularly);
    }

    // Each way to write it in a peer's library, with the faster of its optimisers.
    private static IEnumerable<Contender> Theirs(LayerSizes sizes, Peer peer, JsonObject facts, BenchSettings settings)
    {
        JsonObject told = sizes.ToJson();
        told["model"] = "layer";
        JsonObject variants = peer.Ask("open", told).AsObject();
        foreach ((string way, JsonNode? list) in variants)
        {
            if (list is not JsonArray)
            {
                facts[Tuning.Fact(peer.Kind, way)] = $"not run: {list}";
                continue;
            }

            Tuning tuned = Tuning.Of(peer, way, list, 2, facts, settings);
            yield return peer.Contender($"{peer.Kind.Name}, {way}", Tuning.Told(way, tuned.Variant));
        }
    }

    // Cost is to follow what is chosen, not what exists: many modules, all or few of them in use, beside few, in one run.
    private static BenchCase OverModules(BenchSettings settings)
    {
        LayerSizes few = new(16, 1, 4096, 256, 16), many = new(1024, 1, 4096, 256, 1024), sparse = many with { InUse = few.Modules };
        JsonObject facts = new() { ["sizes"] = new JsonArray(few.ToJson(), many.ToJson(), sparse.ToJson()) };
        const string name = "modular layer, M = 1024 beside M = 16";
        if (Lacking(2 * many.Bytes) is string lacking)
        {
            facts["not_run"] = lacking;
            return new(name, [], [], facts);
        }

        LayerStep Step(LayerSizes sizes) => LayerStep.Modular(sizes, Unselected.Rest);
        using LayerStep small = Step(few), large = Step(many), sparsely = Step(sparse);
        IReadOnlyList<Timing> timings = Interleaved.Measure(
            [
                Contender.Here("M = 16", small.Run),
                Contender.Here("M = 1024", large.Run),
                Contender.Here("M = 1024, 16 of them in use", sparsely.Run),
            ],
            settings.Pace,
            settings.Say,
            settings.Stop);
        Goal goal = new(false, 1.5);
        return new(name, timings, [.. timings.Skip(1).Select(t => Ratio.Of($"{t.Name} / M = 16", t, timings[0], goal))], facts);
    }

    private static string? Lacking(long bytes) =>
        ProcessMemory.Available() is long available && available < bytes
            ? FormattableString.Invariant($"it takes {bytes / 1e9:F1} GB of memory, and {available / 1e9:F1} GB are free")
            : null;
}
