using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The safetensors format: eight bytes of header length, a JSON header with dtype, shape and offsets, then the data.
/// Python's safetensors reads what is written here.
/// </summary>
public static class Safetensors
{
    private static readonly (ScalarType Type, string Name)[] Types =
    [
        (ScalarType.Float32, "F32"), (ScalarType.Float64, "F64"), (ScalarType.Int64, "I64"),
        (ScalarType.Int32, "I32"), (ScalarType.Byte, "U8"), (ScalarType.Bool, "BOOL"),
    ];

    // The one entry of a header that is no tensor: a map of strings.
    private const string Metadata = "__metadata__";

    // A header names tensors; one of a hundred megabytes names nothing real.
    private const long LargestHeader = 100_000_000;

    /// <summary>Writes the tensors, by name in ordinal order, and <paramref name="metadata"/> as the header's <c>__metadata__</c>.</summary>
    public static void Write(
        string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var entries = tensors.OrderBy(t => t.Key, StringComparer.Ordinal)
            .Select(t => (t.Key, Value: t.Value.detach().cpu().contiguous())).ToArray();
        var header = new JsonObject();
        if (metadata is not null)
        {
            header[Metadata] = new JsonObject(metadata.Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value)));
        }

        long offset = 0;
        foreach ((string name, Tensor value) in entries)
        {
            long bytes = value.numel() * SizeOf(value.dtype);
            header[name] = new JsonObject
            {
                ["dtype"] = Types.First(t => t.Type == value.dtype).Name,
                ["shape"] = new JsonArray([.. value.shape.Select(s => JsonValue.Create(s))]),
                ["data_offsets"] = new JsonArray(offset, offset + bytes),
            };
            offset += bytes;
        }

        // Padded with spaces so that the data begin at a multiple of eight, as the format's own writers do.
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        byte[] padded = [.. json, .. Enumerable.Repeat((byte)' ', (8 - (json.Length % 8)) % 8)];
        WholeFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)padded.Length);
            stream.Write(length);
            stream.Write(padded);
            foreach ((_, Tensor value) in entries)
            {
                stream.Write(value.bytes);
            }
        });
    }

    /// <summary>Reads all tensors, on the CPU.</summary>
    public static Dictionary<string, Tensor> Read(string path) => Read(path, out _);

    /// <summary>Reads all tensors, on the CPU, and the header's <c>__metadata__</c>, empty where there is none.</summary>
    public static Dictionary<string, Tensor> Read(string path, out IReadOnlyDictionary<string, string> metadata)
    {
        using FileStream stream = File.OpenRead(path);
        try
        {
            return Read(stream, out metadata);
        }
        catch (Exception e) when (e is JsonException or EndOfStreamException or InvalidOperationException
            or FormatException or OverflowException or ArgumentException)
        {
            throw new UserException(path, "a safetensors file", e.Message, "give a file that ModNet or safetensors wrote");
        }
    }

    private static Dictionary<string, Tensor> Read(FileStream stream, out IReadOnlyDictionary<string, string> metadata)
    {
        var strings = new Dictionary<string, string>(StringComparer.Ordinal);
        metadata = strings;
        Span<byte> prefix = stackalloc byte[8];
        stream.ReadExactly(prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > LargestHeader || (long)length > stream.Length - 8)
        {
            throw new FormatException($"a header of {length} bytes in a file of {stream.Length}");
        }

        var text = new byte[length];
        stream.ReadExactly(text);
        long start = 8 + (long)length;
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach ((string name, JsonNode? node) in (JsonNode.Parse(text) ?? throw new FormatException("an empty header")).AsObject())
        {
            if (name == Metadata)
            {
                foreach ((string key, JsonNode? said) in node?.AsObject() ?? [])
                {
                    strings.Add(key, said?.GetValue<string>() ?? throw new FormatException($"metadata {key} without a text"));
                }

                continue;
            }

            string typeName = Field(name, node, "dtype").GetValue<string>();
            ScalarType type = Types.Where(t => t.Name == typeName).Select(t => (ScalarType?)t.Type).FirstOrDefault()
                ?? throw new FormatException($"tensor {name} of dtype {typeName}");
            long[] shape = [.. Field(name, node, "shape").AsArray().GetValues<long>()];
            long[] range = [.. Field(name, node, "data_offsets").AsArray().GetValues<long>()];
            long elements = shape.Aggregate(1L, (a, b) => b >= 0 ? checked(a * b) : throw new FormatException($"tensor {name} of negative size"));
            long bytes = checked(elements * SizeOf(type));
            if (range.Length != 2 || range[0] < 0 || range[1] - range[0] != bytes || range[1] > stream.Length - start)
            {
                throw new FormatException($"tensor {name} of {bytes} bytes at offsets {string.Join("–", range)}");
            }

            Tensor value = empty(shape, type, CPU);
            stream.Position = start + range[0];
            stream.ReadExactly(value.bytes);
            tensors.Add(name, value);
        }

        return tensors;
    }

    private static JsonNode Field(string tensor, JsonNode? entry, string field) =>
        entry?[field] ?? throw new FormatException($"tensor {tensor} without {field}");

    private static int SizeOf(ScalarType type) => type switch
    {
        ScalarType.Float64 or ScalarType.Int64 => 8,
        ScalarType.Float32 or ScalarType.Int32 => 4,
        _ => 1,
    };
}
