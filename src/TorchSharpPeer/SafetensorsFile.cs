using System.Buffers.Binary;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace ModNet.TorchSharpPeer;

/// <summary>Tensors in a safetensors file, which TorchSharp does not read by itself.</summary>
internal static class SafetensorsFile
{
    /// <summary>All tensors of a file by name, in the order in which the file names them.</summary>
    internal static List<(string Name, Tensor Value)> Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int start = sizeof(long) + checked((int)BinaryPrimitives.ReadInt64LittleEndian(file));
        JsonObject header = JsonNode.Parse(file.AsSpan(sizeof(long), start - sizeof(long)))!.AsObject();
        return
        [
            .. header.Where(e => e.Key != "__metadata__").Select(e =>
            {
                int[] bounds = [.. e.Value!["data_offsets"]!.AsArray().Select(n => n!.GetValue<int>())];
                long[] shape = [.. e.Value["shape"]!.AsArray().Select(n => n!.GetValue<long>())];
                Tensor value = empty(shape, TypeOf(e.Value["dtype"]!.GetValue<string>()));
                file.AsSpan(start + bounds[0], bounds[1] - bounds[0]).CopyTo(value.bytes);
                return (e.Key, value);
            }),
        ];
    }

    private static ScalarType TypeOf(string name) => name switch
    {
        "F32" => ScalarType.Float32,
        "F64" => ScalarType.Float64,
        "I64" => ScalarType.Int64,
        "I32" => ScalarType.Int32,
        "U8" => ScalarType.Byte,
        _ => throw new ArgumentException($"expected F32, F64, I64, I32 or U8, got {name}"),
    };
}
