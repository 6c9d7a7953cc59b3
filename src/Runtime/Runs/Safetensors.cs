using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Reads and writes the safetensors format: eight bytes with the header's length, a JSON header with dtypes, shapes and offsets, then the
/// data. Python's safetensors reads what is written here.
/// </summary>
/// <remarks>
/// Files written here are sealed: <c>__metadata__</c> has <c>sha256</c>, the checksum in lower-case hexadecimal of the whole file with 64
/// zeros in the checksum's place. It is verified when a file is read. Files without a seal are read as they are.
/// </remarks>
public static class Safetensors
{
    private static readonly (ScalarType Type, string Name)[] Types =
    [
        (ScalarType.Float32, "F32"), (ScalarType.Float64, "F64"), (ScalarType.Int64, "I64"),
        (ScalarType.Int32, "I32"), (ScalarType.Byte, "U8"), (ScalarType.Bool, "BOOL"),
    ];

    // The only entry of a header that is not a tensor: a map of strings.
    private const string Metadata = "__metadata__";

    // A header names tensors; a header of a hundred megabytes is damaged.
    private const long LargestHeader = 100_000_000;

    // libtorch's operators take no more.
    private const int MostDimensions = 64;

    /// <summary>
    /// Writes the tensors in ordinal order of their names, and <paramref name="metadata"/> as the header's <c>__metadata__</c>. The file is
    /// written whole or not at all; <paramref name="renaming"/> is called before it takes its name. UserException where the disk refuses.
    /// </summary>
    public static void Write(
        string path,
        IReadOnlyDictionary<string, Tensor> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        Action? renaming = null)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var entries = tensors.OrderBy(t => t.Key, StringComparer.Ordinal)
            .Select(t => (t.Key, Value: t.Value.detach().cpu().contiguous())).ToArray();
        var strings = new JsonObject { [FileSeal.Key] = FileSeal.Blank };
        foreach ((string key, string value) in metadata ?? new Dictionary<string, string>())
        {
            strings.Add(key, value);
        }

        var header = new JsonObject { [Metadata] = strings };
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

        // Spaces pad the header so that the data begin at a multiple of eight, as the format's own writers do.
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        byte[] start = new byte[8 + json.Length + (8 - (json.Length % 8)) % 8];
        start.AsSpan().Fill((byte)' ');
        BinaryPrimitives.WriteUInt64LittleEndian(start, (ulong)(start.Length - 8));
        json.CopyTo(start, 8);
        using (IncrementalHash hash = FileSeal.Over(start))
        {
            foreach ((_, Tensor value) in entries)
            {
                hash.AppendData(value.bytes);
            }

            FileSeal.Fill(start, hash);
        }

        WholeFile.Write(
            path,
            stream =>
            {
                stream.Write(start);
                foreach ((_, Tensor value) in entries)
                {
                    stream.Write(value.bytes);
                }
            },
            renaming);
    }

    /// <summary>Reads all tensors onto the CPU. UserException where the file is damaged.</summary>
    public static Dictionary<string, Tensor> Read(string path) => Read(path, out _);

    /// <summary>Reads all tensors onto the CPU, and the header's <c>__metadata__</c>, which may be empty. UserException where the file is damaged.</summary>
    public static Dictionary<string, Tensor> Read(string path, out IReadOnlyDictionary<string, string> metadata) =>
        Read(path, false, out metadata);

    /// <summary>Reads a file that has to be sealed if it has metadata.</summary>
    internal static Dictionary<string, Tensor> ReadSealed(string path, out IReadOnlyDictionary<string, string> metadata) =>
        Read(path, true, out metadata);

    private static Dictionary<string, Tensor> Read(string path, bool demandsSeal, out IReadOnlyDictionary<string, string> metadata)
    {
        (Dictionary<string, Tensor> tensors, metadata) = Reading(path, stream =>
        {
            Header header = ReadHeader(stream);
            if (!FileSeal.Verify(stream, header.Text, header.Strings) && demandsSeal && header.Strings.Count > 0)
            {
                throw new FormatException("a damaged file: its checksum is missing");
            }

            return (ReadTensors(stream, header), header.Strings);
        });
        return tensors;
    }

    /// <summary>Reads the header's <c>__metadata__</c> alone and does not look at the data.</summary>
    internal static IReadOnlyDictionary<string, string> ReadMetadata(string path) =>
        Reading(path, stream => ReadHeader(stream).Strings);

    private static TResult Reading<TResult>(string path, Func<FileStream, TResult> read) => DataFile.Reading(path, () =>
    {
        using FileStream stream = File.OpenRead(path);
        try
        {
            return read(stream);
        }
        catch (Exception e) when (e is JsonException or EndOfStreamException or InvalidOperationException
            or FormatException or OverflowException or ArgumentException or ExternalException)
        {
            throw new UserException(path, "a safetensors file", e.Message.TrimEnd('.'), "give a file that ModNet or safetensors wrote");
        }
    });

    private static Header ReadHeader(FileStream stream)
    {
        Span<byte> prefix = stackalloc byte[8];
        stream.ReadExactly(prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > LargestHeader || (long)length > stream.Length - 8)
        {
            throw new FormatException($"a header of {length} bytes in a file of {stream.Length}");
        }

        var text = new byte[length];
        stream.ReadExactly(text);
        JsonObject fields = (JsonNode.Parse(text) ?? throw new FormatException("an empty header")).AsObject();
        var strings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach ((string key, JsonNode? said) in fields[Metadata]?.AsObject() ?? [])
        {
            strings.Add(key, said?.GetValue<string>() ?? throw new FormatException($"metadata {key} without a text"));
        }

        List<Entry> entries = [.. fields.Where(f => f.Key != Metadata).Select(f => EntryOf(f.Key, f.Value))];
        return new(text, strings, entries);
    }

    private static Entry EntryOf(string name, JsonNode? node)
    {
        string typeName = Field(name, node, "dtype").GetValue<string>();
        ScalarType type = Types.Where(t => t.Name == typeName).Select(t => (ScalarType?)t.Type).FirstOrDefault()
            ?? throw new FormatException($"tensor {name} of dtype {typeName}");
        long[] shape = Numbers(name, node, "shape");
        if (shape.Length > MostDimensions || shape.Any(s => s < 0))
        {
            throw new FormatException($"tensor {name} of {(shape.Length > MostDimensions ? $"{shape.Length} dimensions" : "negative size")}");
        }

        // In order of size, so that a size of zero makes the product zero before it can overflow.
        long bytes = checked(shape.Order().Aggregate(1L, (a, b) => a * b) * SizeOf(type));
        long[] range = Numbers(name, node, "data_offsets");
        return range.Length == 2 && range[0] >= 0 && range[1] >= range[0] && range[1] - range[0] == bytes
            ? new(name, type, shape, range[0], range[1])
            : throw new FormatException($"tensor {name} of {bytes} bytes at offsets {string.Join("–", range)}");
    }

    // The format demands that tensors fill the data without gaps. So a header cannot ask for more memory than the file has bytes.
    private static Dictionary<string, Tensor> ReadTensors(FileStream stream, Header header)
    {
        long start = 8 + header.Text.LongLength;
        long end = 0;
        Entry[] entries = [.. header.Entries.OrderBy(e => e.Start).ThenBy(e => e.End)];
        foreach (Entry entry in entries)
        {
            if (entry.Start != end)
            {
                throw new FormatException($"tensor {entry.Name} at offset {entry.Start}, after data up to {end}");
            }

            end = entry.End;
        }

        if (end != stream.Length - start)
        {
            throw new FormatException($"{stream.Length - start} bytes of data, {end} in the header");
        }

        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (Entry entry in entries)
        {
            Tensor value = empty(entry.Shape, entry.Type, CPU);
            tensors.Add(entry.Name, value);
            stream.Position = start + entry.Start;
            stream.ReadExactly(value.bytes);
        }

        return tensors;
    }

    private static long[] Numbers(string tensor, JsonNode? entry, string field) =>
        [.. Field(tensor, entry, field).AsArray().Select(n =>
            n is JsonValue value && value.TryGetValue(out long number)
                ? number
                : throw new FormatException($"tensor {tensor} with {field} that are no whole numbers"))];

    private static JsonNode Field(string tensor, JsonNode? entry, string field) =>
        (entry as JsonObject)?[field] ?? throw new FormatException($"tensor {tensor} without {field}");

    private static int SizeOf(ScalarType type) => type switch
    {
        ScalarType.Float64 or ScalarType.Int64 => 8,
        ScalarType.Float32 or ScalarType.Int32 => 4,
        _ => 1,
    };

    private sealed record Header(byte[] Text, Dictionary<string, string> Strings, IReadOnlyList<Entry> Entries);

    private sealed record Entry(string Name, ScalarType Type, long[] Shape, long Start, long End);
}
