namespace ModNet.Runtime;

/// <summary>An E-step whose datapoints are shared out over ranks. Afterwards every rank holds the same assignments.</summary>
internal static class ShardedEStep
{
    /// <summary>Runs the E-step of this rank's shards, and takes over what all ranks have found.</summary>
    /// <param name="sharding">How the minibatch is cut.</param>
    /// <param name="shards">This rank's shards.</param>
    /// <param name="run">Runs the E-step of a shard and says of every datapoint that gets a new composition which it is.</param>
    /// <param name="assignments">The assignments, of all datapoints.</param>
    internal static EStepResult Run(
        Sharding sharding, IReadOnlyList<Shard> shards, Func<Shard, Action<long, long[]>, EStepResult> run, Assignments assignments)
    {
        byte[][] own = [.. shards.Select(shard =>
        {
            var found = new List<(long Datapoint, long[] Composition)>();
            EStepResult seen = shard.IsEmpty ? new(0, 0, 0, 0) : run(shard, (n, composition) => found.Add((n, composition)));
            return Message(seen, found);
        })];

        var all = new EStepResult(0, 0, 0, 0);
        foreach (byte[] said in sharding.All(own))
        {
            using var reader = new BinaryReader(new MemoryStream(said));
            long replaced = reader.ReadInt64();
            all = new(all.Datapoints + reader.ReadInt64(), all.Replaced + replaced, all.Before + reader.ReadDouble(), all.After + reader.ReadDouble());
            for (; replaced > 0; replaced--)
            {
                long datapoint = reader.ReadInt64();
                assignments.Set(datapoint, Array.ConvertAll(new long[assignments.Choices], _ => (long)reader.ReadUInt16()));
            }
        }

        return all;
    }

    private static byte[] Message(EStepResult seen, List<(long Datapoint, long[] Composition)> found)
    {
        using var message = new MemoryStream();
        using var writer = new BinaryWriter(message);
        writer.Write(seen.Replaced);
        writer.Write(seen.Datapoints);
        writer.Write(seen.Before);
        writer.Write(seen.After);
        foreach ((long datapoint, long[] composition) in found)
        {
            writer.Write(datapoint);
            Array.ForEach(composition, module => writer.Write(checked((ushort)module)));
        }

        return message.ToArray();
    }
}
