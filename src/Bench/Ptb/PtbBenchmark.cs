using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>The language model's EM, whole and in parts, beside the peer's.</summary>
public static class PtbBenchmark
{
    private const string M = "m_step";
    private const string E = "e_step";
    private const string Ours = "ModNet";
    private const string Theirs = "PyTorch, fastest variant";
    private const string Plain = "PyTorch, plain";

    /// <summary>An E-step and 15 M-steps.</summary>
    public static IReadOnlyList<BenchCase> Round(BenchSettings settings, Peer? peer)
    {
        using PtbModel model = Model(settings);
        var facts = Facts(model, settings);
        Contender[] theirs = [];
        if (peer is not null)
        {
            JsonObject variants = model.OpenPeer(peer);
            Tuning m = Tuned(peer, variants, M, settings), e = Tuned(peer, variants, E, settings);
            facts["peer_m_step"] = m.ToJson();
            facts["peer_e_step"] = e.ToJson();
            theirs = Both(peer, "round", $"{m.Variant} {e.Variant}", $"{m.First} {e.First}");
        }

        return [Compared("PTB, EM round", model.Round, theirs, new(true, 12), facts, settings)];
    }

    /// <summary>A gradient step.</summary>
    public static IReadOnlyList<BenchCase> MStep(BenchSettings settings, Peer? peer)
    {
        using PtbModel model = Model(settings);
        var facts = Facts(model, settings);
        return [Compared("PTB, M-step", model.Em.MStep, Part(model, peer, M, facts, settings), null, facts, settings)];
    }

    /// <summary>An E-step, and the memory it takes in processes of its own.</summary>
    public static IReadOnlyList<BenchCase> EStep(BenchSettings settings, Peer? peer)
    {
        using PtbModel model = Model(settings);
        var facts = Facts(model, settings);
        Contender[] theirs = Part(model, peer, E, facts, settings);
        BenchCase compared = Compared("PTB, E-step", () => model.Em.EStep(), theirs, null, facts, settings);
        settings.Say("measuring memory");
        facts["memory_growth_mb"] = Megabytes(EStepMemory.InFreshProcess(settings));
        facts["memory_growth_goal_mb"] = 600;
        if (peer is not null)
        {
            using Peer fresh = Peer.Start(settings.Threads, settings.PeerWait, settings.Stop);
            model.OpenPeer(fresh);
            JsonObject told = Tuning.Told(E, facts["peer_e_step"]!["variant"]!.GetValue<string>());
            told["calls"] = EStepMemory.Steps;
            facts["peer_memory_growth_mb"] = Megabytes(fresh.Ask("memory", told).GetValue<long>());
        }

        return [compared with { Facts = facts }];
    }

    private static PtbModel Model(BenchSettings settings)
    {
        settings.Say("making the model");
        return new(settings.Tiny ? PtbSizes.Tiny : PtbSizes.Paper, settings.Data);
    }

    private static JsonObject Facts(PtbModel model, BenchSettings settings)
    {
        JsonObject facts = new() { ["sizes"] = model.Sizes.ToJson() };
        facts["words"] = settings.Data is null ? "made up" : $"of {settings.Data}";
        return facts;
    }

    private static Tuning Tuned(Peer peer, JsonObject variants, string part, BenchSettings settings) => Tuning.Of(
        peer, part, [.. variants[part]!.AsArray().Select(v => v!.GetValue<string>())], settings.Tiny ? 1 : 3, settings.Say);

    private static Contender[] Part(PtbModel model, Peer? peer, string part, JsonObject facts, BenchSettings settings)
    {
        if (peer is null)
        {
            return [];
        }

        Tuning tuned = Tuned(peer, model.OpenPeer(peer), part, settings);
        facts[$"peer_{part}"] = tuned.ToJson();
        return Both(peer, part, tuned.Variant, tuned.First);
    }

    // The plain one, with cross_entropy on all logits at once and of a time step at once, is what most would write; and what one
    // gets who tries for long.
    private static Contender[] Both(Peer peer, string part, string fastest, string plain) =>
    [
        peer.Contender(Theirs, Tuning.Told(part, fastest)),
        .. (Contender[])(plain == fastest ? [] : [peer.Contender(Plain, Tuning.Told(part, plain))]),
    ];

    private static BenchCase Compared(
        string name, Action ours, Contender[] theirs, Goal? goal, JsonObject facts, BenchSettings settings)
    {
        IReadOnlyList<Timing> timings = Interleaved.Measure(
            [Contender.Here(Ours, ours), .. theirs], settings.Pace, settings.Say, settings.Stop);
        Ratio[] ratios = [.. timings.Skip(1).Select(t => Ratio.Of($"{t.Name} / {Ours}", t, timings[0], goal))];
        return new(name, timings, ratios, facts);
    }

    private static JsonNode? Megabytes(long? bytes) => bytes is long known ? Math.Round(known / 1e6, 1) : null;
}
