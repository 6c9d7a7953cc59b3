namespace ModNet.Runtime;

/// <summary>What a shard's forward pass saw, as a message between ranks.</summary>
internal static class ShardReport
{
    /// <summary>The message.</summary>
    internal static byte[] Of(SelectionStatistics statistics, PredictionScore score)
    {
        using var message = new MemoryStream();
        using var writer = new BinaryWriter(message);
        statistics.Write(writer);
        score.Write(writer);
        return message.ToArray();
    }

    /// <summary>What the shards that the messages are of saw together, added up in their order.</summary>
    internal static (SelectionStatistics Statistics, PredictionScore Score) Join(IEnumerable<byte[]> messages, Head head)
    {
        var statistics = new SelectionStatistics();
        var score = new PredictionScore(head);
        foreach (byte[] message in messages)
        {
            using var reader = new BinaryReader(new MemoryStream(message));
            statistics.Add(reader);
            score.Add(reader);
        }

        return (statistics, score);
    }
}
