using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>An EM round of the network of modular convolutions beside the peers'.</summary>
public static class CifarBenchmark
{
    private const string Ours = "ModNet";

    /// <summary>An E-step and 15 M-steps, and each by itself.</summary>
    public static IEnumerable<BenchCase> Run(BenchSettings settings, IReadOnlyList<Peer> peers)
    {
        settings.Say("making the model");
        using var model = new CifarModel(settings.Tiny ? CifarSizes.Tiny : CifarSizes.Paper);
        JsonObject facts = new() { ["sizes"] = model.Sizes.ToJson(), ["images"] = "made up" };
        var variants = new Dictionary<(Peer Peer, string Part), string>();
        foreach (Peer peer in peers)
        {
            foreach ((string part, JsonNode? names) in model.OpenPeer(peer))
            {
                Tuning tuned = Tuning.Of(
                    peer, part, [.. names!.AsArray().Select(n => n!.GetValue<string>())], settings.Tiny ? 1 : 3, settings.Say);
                facts[Tuning.Fact(peer.Kind, part)] = tuned.ToJson();
                variants[(peer, part)] = tuned.Variant;
            }

            variants[(peer, "round")] = $"{variants[(peer, "m_step")]} {variants[(peer, "e_step")]}";
        }

        (string Name, string Part, Action Run)[] parts =
        [
            ("CIFAR-10, EM round", "round", model.Round),
            ("CIFAR-10, E-step", "e_step", () => model.Em.EStep()),
            ("CIFAR-10, M-step", "m_step", model.Em.MStep),
        ];
        foreach ((string name, string part, Action run) in parts)
        {
            settings.Say(name);
            List<Contender> contenders =
            [
                Contender.Here(Ours, run),
                .. peers.Select(p => p.Contender(p.Kind.Name, Tuning.Told(part, variants[(p, part)]))),
            ];
            IReadOnlyList<Timing> timings = Interleaved.Measure(contenders, settings.Pace, settings.Say, settings.Stop);
            Ratio[] ratios = [.. timings.Skip(1).Select(t => Ratio.Of($"{t.Name} / {Ours}", t, timings[0]))];
            yield return new BenchCase(name, timings, ratios, facts.DeepClone().AsObject()).WithFaster(timings[0], timings.Skip(1));
        }
    }
}
