using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>What our way to operators costs beside Python's, and what a compiled network costs beside a loop written by hand.</summary>
public static class OverheadBenchmark
{
    /// <summary>All operators, then the language model's M-step both ways.</summary>
    public static IEnumerable<BenchCase> Run(BenchSettings settings, IReadOnlyList<Peer> peers)
    {
        Peer? peer = peers.SingleOrDefault();
        peer?.Ask("open", new() { ["model"] = "operators" });
        using (var operators = new OperatorCalls())
        {
            foreach ((string name, Action call) in operators.All)
            {
                yield return Operator(name, call, settings, peer);
            }
        }

        yield return Compiled(settings);
    }

    private static BenchCase Operator(string name, Action call, BenchSettings settings, Peer? peer)
    {
        settings.Say(name);
        List<Contender> contenders = [Contender.Here("ModNet", call)];
        if (peer is not null)
        {
            contenders.Add(peer.Contender("PyTorch", Tuning.Told("operator", name)));
        }

        IReadOnlyList<Timing> timings = Interleaved.Measure(contenders, settings.Pace, _ => { }, settings.Stop);
        Ratio[] ratios = [.. timings.Skip(1).Select(t => Ratio.Of("PyTorch / ModNet", t, timings[0]))];
        return new($"operator: {name}", timings, ratios, new());
    }

    private static BenchCase Compiled(BenchSettings settings)
    {
        settings.Say("a compiled network beside a hand-written loop");
        PtbSizes sizes = settings.Tiny ? PtbSizes.Tiny : PtbSizes.Paper;
        using PtbModel compiled = new(sizes, settings.Data), plain = new(sizes, settings.Data);
        using var byHand = new HandWrittenMStep(plain);
        IReadOnlyList<Timing> timings = Interleaved.Measure(
            [Contender.Here("compiled from the DSL", compiled.Em.MStep), Contender.Here("written by hand", byHand.Run)],
            settings.Pace,
            settings.Say,
            settings.Stop);
        return new(
            "PTB M-step: compiled or by hand",
            timings,
            [Ratio.Of("compiled / by hand", timings[0], timings[1], new(false, 1.05))],
            new JsonObject { ["sizes"] = sizes.ToJson() });
    }
}
