using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>An EM round of the network of modular convolutions beside the peers'.</summary>
public static class CifarBenchmark
{
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
                variants[(peer, part)] = Tuning.Of(peer, part, names!, 3, facts, settings).Variant;
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
            IEnumerable<Contender> theirs = peers.Select(p => p.Contender(p.Kind.Name, Tuning.Told(part, variants[(p, part)])));
            yield return BenchCase.Beside(name, run, theirs, null, facts.DeepClone().AsObject(), settings);
        }
    }
}
