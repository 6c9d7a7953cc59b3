using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>
/// Training on one rank and on two, one thread each, over MPI on this machine: an EM round of the Penn Treebank model, and one of a modular layer of width 256 whose unused
/// modules rest. Beside them stands one process with two threads, which is what one machine has without MPI.
/// </summary>
public static class RanksBenchmark
{
    /// <summary>Each case's work by name, as <see cref="RankWork.Open"/> takes it.</summary>
    private static readonly (string Name, string Work)[] Cases =
    [
        ("Penn Treebank, EM 5/1, a round", "ptb"),
        ("modular layer 256 → 256, M = 64, a round", "layer-64"),
        ("modular layer 256 → 256, M = 1,024, a round", "layer-1024"),
    ];

    /// <summary>All cases; none, with a message, where there is no MPI.</summary>
    public static IEnumerable<BenchCase> Run(BenchSettings settings, IReadOnlyList<Peer> peers)
    {
        if (RankGroup.Launcher() is not string launcher)
        {
            settings.Say("left out, because there is no mpirun here (Debian: openmpi-bin and libopenmpi-dev)");
            yield break;
        }

        foreach ((string name, string work) in settings.Tiny ? [("a tiny layer", "layer-2")] : Cases)
        {
            settings.Say(name);
            yield return Case(settings, launcher, name, work);
        }
    }

    private static BenchCase Case(BenchSettings settings, string launcher, string name, string work)
    {
        RankGroup Start(int ranks, int shards, int threads, bool isSpread = false) =>
            RankGroup.Start(launcher, ranks, new(work, isSpread, shards, threads, settings.Tiny, settings.Data), settings.Stop);
        using RankGroup whole = Start(1, 1, 1), cut = Start(1, 2, 1), two = Start(2, 2, 1), threads = Start(1, 1, 2);
        using RankGroup? spread = RankWork.RowBytes(work, settings.Tiny) is null ? null : Start(2, 2, 1, isSpread: true);
        IReadOnlyList<Timing> timings = Interleaved.Measure(
            [
                new("1 rank, 1 thread, whole minibatches", whole.Run),
                new("1 rank, 1 thread, 2 shards", cut.Run),
                new("2 ranks, 1 thread each, 2 shards", two.Run),
                new("1 rank, 2 threads, whole minibatches", threads.Run),
                .. spread is null ? (Contender[])[] : [new("2 ranks, 1 thread each, 2 shards, modules on ranks", spread.Run)],
            ],
            settings.Pace,
            settings.Say,
            settings.Stop);
        JsonObject facts = new()
        {
            ["mpi"] = two.Library,
            ["bytes_sent_by_a_rank_per_round"] = two.BytesPerCall,
            ["gradient_steps_per_round"] = RankWork.MSteps(settings.Tiny),
        };
        if (spread is not null)
        {
            facts["bytes_sent_by_a_rank_per_round_where_modules_live_on_ranks"] = spread.BytesPerCall;
        }

        int steps = RankWork.MSteps(settings.Tiny);
        // With two ranks, a rank sends half of a gradient to its owner, and half of the sum back.
        var projection = new RanksProjection(timings[0].Seconds.Median / steps, two.BytesPerCall / (double)steps, RankWork.RowBytes(work, settings.Tiny));
        foreach ((string what, JsonNode? share) in projection.ToFacts())
        {
            facts.Add(what, share?.DeepClone());
        }

        return new(
            name,
            timings,
            [
                Ratio.Of("speed-up of 2 ranks over 1 (2 shards)", timings[1], timings[2]),
                Ratio.Of("speed-up of 2 ranks over 1 (whole minibatches)", timings[0], timings[2]),
                Ratio.Of("speed-up of 2 threads over 1", timings[0], timings[3]),
                .. spread is null ? (Ratio[])[] : [Ratio.Of("speed-up of 2 ranks with modules on them over 1 (whole minibatches)", timings[0], timings[4])],
            ],
            facts);
    }
}
