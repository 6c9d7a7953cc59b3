using System.Text.Json;

namespace ModNet.Runtime;

/// <summary>Sees to it that the ranks train the same thing under the same conditions, before they begin.</summary>
internal static class RankAgreement
{
    // Longer values, such as an experiment's JSON, are not shown whole.
    private const int MostShown = 80;

    /// <summary>
    /// UserException, the same one on every rank, where some rank says something else than rank 0. The facts are names, values and remedies, as many and in the same
    /// order on all ranks.
    /// </summary>
    internal static void Demand(Ranks ranks, IReadOnlyList<(string What, string Value, string Remedy)> facts)
    {
        if (ranks.Count == 1)
        {
            return;
        }

        string[] own = [Environment.MachineName, .. facts.Select(f => f.Value)];
        string[][] all = Array.ConvertAll(ranks.Gather(JsonSerializer.SerializeToUtf8Bytes(own)), said => JsonSerializer.Deserialize<string[]>(said)!);
        for (int fact = 1; fact < own.Length; fact++)
        {
            for (int rank = 1; rank < all.Length; rank++)
            {
                if (all[rank].Length != own.Length || all[rank][fact] != all[0][fact])
                {
                    (string what, _, string remedy) = facts[fact - 1];
                    throw new UserException(
                        $"{what} of rank {rank}, on {all[rank][0]}", $"that of rank 0, on {all[0][0]}: {Shown(all[0][fact], all[rank].ElementAtOrDefault(fact))}",
                        Shown(all[rank].ElementAtOrDefault(fact) ?? "none", all[0][fact]), remedy);
                }
            }
        }
    }

    // From shortly before the place where it differs from the other.
    private static string Shown(string value, string? other)
    {
        if (value.Length <= MostShown)
        {
            return value;
        }

        int same = value.Zip(other ?? "").TakeWhile(pair => pair.First == pair.Second).Count();
        int start = Math.Clamp(same - MostShown / 4, 0, Math.Max(0, value.Length - MostShown));
        return $"{(start > 0 ? "…" : "")}{value.AsSpan(start, Math.Min(MostShown, value.Length - start))}{(start + MostShown < value.Length ? "…" : "")}";
    }
}
