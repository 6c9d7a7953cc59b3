using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>The language model's EM, whole and in parts, beside the peers'.</summary>
public static class PtbBenchmark
{
    private const string M = "m_step";
    private const string E = "e_step";

    // What the round is to gain on the faster of the peers' programs.
    private static readonly Goal Aim = new(true, 15);

    /// <summary>An E-step and 15 M-steps.</summary>
    public static IReadOnlyList<BenchCase> Round(BenchSettings settings, IReadOnlyList<Peer> peers)
    {
        using PtbModel model = Model(settings);
        var facts = Facts(model, settings);
        var theirs = new List<Contender>();
        foreach (Peer peer in peers)
        {
            JsonObject variants = model.OpenPeer(peer);
            Tuning m = Tuned(peer, variants, M, facts, settings), e = Tuned(peer, variants, E, facts, settings);
            theirs.AddRange(Both(peer, "round", $"{m.Variant} {e.Variant}", $"{m.First} {e.First}"));
        }

        return [BenchCase.Beside("PTB, EM round", model.Round, theirs, Aim, facts, settings)];
    }

    /// <summary>A gradient step.</summary>
    public static IReadOnlyList<BenchCase> MStep(BenchSettings settings, IReadOnlyList<Peer> peers)
    {
        using PtbModel model = Model(settings);
        var facts = Facts(model, settings);
        return [BenchCase.Beside("PTB, M-step", model.Em.MStep, Part(model, peers, M, facts, settings), null, facts, settings)];
    }

    /// <summary>An E-step, and the memory it takes in processes of its own.</summary>
    public static IReadOnlyList<BenchCase> EStep(BenchSettings settings, IReadOnlyList<Peer> peers)
    {
        using PtbModel model = Model(settings);
        var facts = Facts(model, settings);
        List<Contender> theirs = Part(model, peers, E, facts, settings);
        BenchCase compared = BenchCase.Beside("PTB, E-step", () => model.Em.EStep(), theirs, null, facts, settings);
        settings.Say("measuring memory");
        facts["memory_growth_mb"] = Megabytes(EStepMemory.InFreshProcess(settings));
        facts["memory_growth_goal_mb"] = 600;
        foreach (PeerKind kind in peers.Select(p => p.Kind))
        {
            using Peer fresh = Peer.Start(kind, settings.Threads, settings.PeerWait, settings.Stop);
            model.OpenPeer(fresh);
            JsonObject told = Tuning.Told(E, facts[Tuning.Fact(kind, E)]!["variant"]!.GetValue<string>());
            told["calls"] = EStepMemory.Steps;
            facts[$"{kind.Key}_memory_growth_mb"] = Megabytes(fresh.Ask("memory", told).GetValue<long>());
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

    private static Tuning Tuned(Peer peer, JsonObject variants, string part, JsonObject facts, BenchSettings settings) =>
        Tuning.Of(peer, part, variants[part]!, 3, facts, settings);

    private static List<Contender> Part(
        PtbModel model, IReadOnlyList<Peer> peers, string part, JsonObject facts, BenchSettings settings) =>
        [
            .. peers.SelectMany(peer =>
            {
                Tuning tuned = Tuned(peer, model.OpenPeer(peer), part, facts, settings);
                return Both(peer, part, tuned.Variant, tuned.First);
            }),
        ];

    // The plain one, with cross_entropy on all logits at once and of a time step at once, is what most would write; and what one
    // gets who tries for long.
    private static Contender[] Both(Peer peer, string part, string fastest, string plain) =>
    [
        peer.Contender($"{peer.Kind.Name}, fastest variant", Tuning.Told(part, fastest)),
        .. (Contender[])(plain == fastest ? [] : [peer.Contender($"{peer.Kind.Name}, plain", Tuning.Told(part, plain))]),
    ];

    private static JsonNode? Megabytes(long? bytes) => bytes is long known ? Math.Round(known / 1e6, 1) : null;
}
