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

    // How many times as many modules there are where cost is held against the number of modules.
    private const int Times = 64;

    // What an optimiser keeps of a peer's parameters it keeps up to three times, and a copy while it works.
    private const int CopiesOfAPeer = 3;

    /// <summary>Runs all sizes that there is memory for.</summary>
    public static IEnumerable<BenchCase> Run(BenchSettings settings, IReadOnlyList<Peer> peers)
    {
        foreach (LayerSizes sizes in settings.Tiny ? LayerSizes.Tiny : LayerSizes.All)
        {
            yield return Run(sizes, settings, peers);
        }
    }

    /// <summary>Cost is to follow what is chosen, not what exists: many modules, all or few of them in use, beside few, in one run.</summary>
    public static IEnumerable<BenchCase> OverModules(BenchSettings settings, IReadOnlyList<Peer> peers)
    {
        foreach (Unselected unselected in (Unselected[])[Unselected.Rest, Unselected.Drift])
        {
            yield return OverModules(settings, unselected);
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

    private static BenchCase OverModules(BenchSettings settings, Unselected unselected)
    {
        LayerSizes few = settings.Tiny ? LayerSizes.Tiny[0] : new(16, 1, 4096, 256, 16);
        LayerSizes many = few with { Modules = few.Modules * Times, InUse = few.InUse * Times }, sparse = many with { InUse = few.Modules };
        JsonObject facts = new() { ["sizes"] = new JsonArray(few.ToJson(), many.ToJson(), sparse.ToJson()) };
        string small = $"M = {few.Modules}", large = $"M = {many.Modules}", name = $"modular layer, {large} beside {small}, unselected {unselected}";
        settings.Say(name);
        if (Lacking(2 * many.Bytes) is string lacking)
        {
            facts["not_run"] = lacking;
            return new(name, [], [], facts);
        }

        using LayerStep one = LayerStep.Modular(few, unselected), all = LayerStep.Modular(many, unselected), some = LayerStep.Modular(sparse, unselected);
        IReadOnlyList<Timing> timings = Interleaved.Measure(
            [Contender.Here(small, one.Run), Contender.Here(large, all.Run), Contender.Here($"{large}, {few.Modules} of them in use", some.Run)],
            settings.Pace,
            settings.Say,
            settings.Stop);
        return new(
            name,
            timings,
            [
                Ratio.Of($"{timings[1].Name} / {small}", timings[1], timings[0], new Goal(false, 4.5)),
                Ratio.Of($"{timings[2].Name} / {small}", timings[2], timings[0], unselected == Unselected.Rest ? new Goal(false, 1.5) : null),
            ],
            facts);
    }

    private static string? Lacking(long bytes) =>
        ProcessMemory.Available() is long available && available < bytes
            ? FormattableString.Invariant($"it takes {bytes / 1e9:F1} GB of memory, and {available / 1e9:F1} GB are free")
            : null;
}
