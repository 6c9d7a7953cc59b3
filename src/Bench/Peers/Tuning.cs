using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>What is best in a library depends on the machine: every sensible variant is tried, and the fastest is the peer.</summary>
/// <param name="Variant">The fastest.</param>
/// <param name="First">The one that the peer names first: the plainest.</param>
/// <param name="Tried">Seconds per call of every variant: the least of a few.</param>
public sealed record Tuning(string Variant, string First, IReadOnlyDictionary<string, double> Tried)
{
    /// <summary>
    /// Tries the variants of a part that the peer has opened, each so many times (once in tests), and adds what it found to the facts.
    /// </summary>
    public static Tuning Of(Peer peer, string part, JsonNode variants, int times, JsonObject facts, BenchSettings settings)
    {
        string[] names = [.. variants.AsArray().Select(v => v!.GetValue<string>())];
        var tried = new Dictionary<string, double>();
        foreach (string variant in names)
        {
            settings.Say($"trying {peer.Kind.Name}'s {part} {variant}");
            Contender contender = peer.Contender(variant, Told(part, variant));
            contender.Run(1);
            tried[variant] = Enumerable.Range(0, settings.Tiny ? 1 : times).Min(_ => contender.Run(1));
        }

        var tuned = new Tuning(tried.MinBy(t => t.Value).Key, names[0], tried);
        facts[Fact(peer.Kind, part)] = tuned.ToJson();
        return tuned;
    }

    /// <summary>What tells the peer to run a part in this way.</summary>
    public static JsonObject Told(string part, string variant) => new() { ["part"] = part, ["variant"] = variant };

    /// <summary>The name by which results have it.</summary>
    public static string Fact(PeerKind kind, string part) => $"{kind.Key}_{part}";

    /// <summary>As it goes into results.</summary>
    public JsonObject ToJson() => new()
    {
        ["variant"] = Variant,
        ["tried_seconds"] = new JsonObject(Tried.Select(t => KeyValuePair.Create(t.Key, (JsonNode?)t.Value))),
    };
}
