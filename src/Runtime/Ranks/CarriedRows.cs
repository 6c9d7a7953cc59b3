using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The states that recurrent layers carry through all shards of a minibatch, from those of each rank's own shards.</summary>
internal static class CarriedRows
{
    /// <summary>The states [B, …] of all shards by layer, rows in the order of shards, from one state for each of this rank's shards, or from none.</summary>
    internal static IEnumerable<(string Layer, Tensor State)> Of(Sharding sharding, IReadOnlyList<RecurrentState> own)
    {
        if (own.Count == 0)
        {
            return [];
        }

        if (sharding.IsWhole)
        {
            return own[0].Layers;
        }

        var rows = new SortedDictionary<string, List<Tensor>>(StringComparer.Ordinal);
        foreach (byte[] said in sharding.All([.. own.Select(Message)]))
        {
            using var reader = new BinaryReader(new MemoryStream(said));
            for (int layers = reader.ReadInt32(); layers > 0; layers--)
            {
                string layer = reader.ReadString();
                var dtype = (ScalarType)reader.ReadInt32();
                long[] shape = Array.ConvertAll(new long[reader.ReadInt32()], _ => reader.ReadInt64());
                Tensor state = empty(shape, dtype, CPU);
                reader.ReadBytes(reader.ReadInt32()).CopyTo(state.bytes);
                if (!rows.TryGetValue(layer, out List<Tensor>? parts))
                {
                    rows.Add(layer, parts = []);
                }

                parts.Add(state);
            }
        }

        return rows.Select(layer => (layer.Key, cat([.. layer.Value], 0)));
    }

    private static byte[] Message(RecurrentState state)
    {
        using var scope = NewDisposeScope();
        using var message = new MemoryStream();
        using var writer = new BinaryWriter(message);
        writer.Write(state.Layers.Count());
        foreach ((string layer, Tensor carried) in state.Layers)
        {
            Tensor rows = carried.cpu().contiguous();
            writer.Write(layer);
            writer.Write((int)rows.dtype);
            writer.Write((int)rows.dim());
            Array.ForEach(rows.shape, writer.Write);
            writer.Write(rows.bytes.Length);
            writer.Write(rows.bytes);
        }

        return message.ToArray();
    }
}
