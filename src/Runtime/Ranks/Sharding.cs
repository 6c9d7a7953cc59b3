using System.Runtime.InteropServices;

namespace ModNet.Runtime;

/// <summary>
/// How each minibatch is cut into S shards, and which of them are this rank's. A shard has its own forward and backward pass and its own random numbers, and what is
/// learned is the sum over shards by a <see cref="BalancedTree{T}"/>; so the outcome depends on S, and not on how many ranks share the work. With S = 1 a minibatch is
/// run as a whole.
/// </summary>
internal sealed class Sharding
{
    private readonly int _each;

    /// <summary>
    /// Cuts minibatches into <paramref name="shards"/> ≥ 1. UserException unless every rank gets the same number of them and, where there are several ranks, that number
    /// is a power of two.
    /// </summary>
    internal Sharding(int shards, Ranks ranks)
    {
        _each = shards / ranks.Count;
        if (shards % ranks.Count != 0 || (ranks.Count > 1 && !int.IsPow2(_each)))
        {
            throw new UserException(
                "shards", $"on {ranks.Count} ranks {ranks.Count}, {2 * ranks.Count}, {4 * ranks.Count}, … shards, a power of two for each rank", $"{shards}",
                ranks.Count > shards ? "start fewer ranks, or cut minibatches into more shards with --shards" : "start another number of ranks, or give --shards");
        }

        (Count, Ranks) = (shards, ranks);
    }

    /// <summary>S, the number of shards of a minibatch.</summary>
    internal int Count { get; }

    /// <summary>The ranks that share the work.</summary>
    internal Ranks Ranks { get; }

    /// <summary>Whether minibatches are run whole.</summary>
    internal bool IsWhole => Count == 1;

    /// <summary>The numbers of this rank's shards, which are neighbours.</summary>
    internal IEnumerable<int> Own => Enumerable.Range(Ranks.Rank * _each, _each);

    /// <summary>The rows of a minibatch of <paramref name="rows"/> that are a shard's: the shards are stretches of equal length, give or take one.</summary>
    internal Range RowsOf(int shard, int rows) => (int)((long)rows * shard / Count)..(int)((long)rows * (shard + 1) / Count);

    /// <summary>What is said of each shard, in the order of shards, from what this rank says of its own.</summary>
    internal byte[][] All(IReadOnlyList<byte[]> own)
    {
        if (Ranks.Count == 1)
        {
            return [.. own];
        }

        using var message = new MemoryStream();
        using var writer = new BinaryWriter(message);
        foreach (byte[] said in own)
        {
            writer.Write(said.Length);
            writer.Write(said);
        }

        var all = new List<byte[]>(Count);
        foreach (byte[] rank in Ranks.Gather(message.ToArray()))
        {
            using var reader = new BinaryReader(new MemoryStream(rank));
            for (int i = 0; i < _each; i++)
            {
                all.Add(reader.ReadBytes(reader.ReadInt32()));
            }
        }

        return [.. all];
    }

    /// <summary>The sums over all shards of n numbers that this rank has of each of its own.</summary>
    internal double[] Sum(IReadOnlyList<double[]> own) => BalancedTree<double[]>.Of(
        All([.. own.Select(numbers => MemoryMarshal.AsBytes<double>(numbers).ToArray())]).Select(said => MemoryMarshal.Cast<byte, double>(said).ToArray()),
        (a, b) => [.. a.Zip(b, (x, y) => x + y)]);
}
