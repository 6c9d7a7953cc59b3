using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// What tells data from others, wherever they lie: the contents of their parts. A checkpoint keeps it, so that a run goes on with the data that
/// it began with and no other; results keep it, so that a number is shown for the data that it was measured on.
/// </summary>
/// <param name="Parts">
/// The files that the data were read from. The name of a single file says nothing about its contents and does not count; of several files,
/// the names say which is which. Data that were not read from files have a part for each of their tensors.
/// </param>
/// <param name="AreDrawn">Whether the parts are tensors, whose last bits may depend on the processor that computed them.</param>
public sealed record DataIdentity(IReadOnlyList<DataFile> Parts, bool AreDrawn = false)
{
    private const int Digits = 12;
    private const int Chunk = 1 << 24;

    /// <summary>Twelve hexadecimal digits for the contents.</summary>
    [JsonIgnore]
    public string Short
    {
        get
        {
            string text = Parts.Count == 1
                ? Parts[0].Sha256
                : string.Join('\n', Parts.Select(part => $"{part.Name} {part.Sha256}").Order(StringComparer.Ordinal));
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..Digits];
        }
    }

    /// <summary>Reads every number of the data once for its checksums.</summary>
    public static DataIdentity Of(DataSplits data)
    {
        var parts = new List<DataFile>();
        void Add(string name, Tensor? tensor)
        {
            if (tensor is not null)
            {
                parts.Add(OfTensor(name, tensor));
            }
        }

        void AddSet(string name, Dataset set)
        {
            Add($"{name} inputs", set.Inputs);
            Add($"{name} targets", set.Targets);
            Add($"{name} task ids", set.Side?.Tasks);
            Add($"{name} given choices", set.Side?.Given);
            Add($"{name} weights", set.Side?.Weights);
        }

        AddSet("training", data.Train);
        foreach (Dataset part in data.Validation)
        {
            AddSet("validation", part);
        }

        foreach (Dataset part in data.Test)
        {
            AddSet("test", part);
        }

        return new(parts, AreDrawn: true);
    }

    /// <summary>One line of JSON that <see cref="Parse"/> reads.</summary>
    public string ToJson() => JsonSerializer.Serialize(this);

    /// <summary>Reads what <see cref="ToJson"/> wrote. Null for something else.</summary>
    public static DataIdentity? Parse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<DataIdentity>(json) is { Parts: not null } found ? found : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Names what is in these data other than in earlier ones, a line for each part; null where the contents are the same.</summary>
    public string? DifferenceFrom(DataIdentity earlier)
    {
        if (Short == earlier.Short)
        {
            return null;
        }

        if (Parts.Count == 1 && earlier.Parts.Count == 1)
        {
            return $"\n  {Say(earlier.Parts[0])}, now {Say(Parts[0])}";
        }

        var before = earlier.Parts.ToLookup(part => part.Name, StringComparer.Ordinal);
        var now = Parts.ToLookup(part => part.Name, StringComparer.Ordinal);
        string[] names = [.. earlier.Parts.Concat(Parts).Select(part => part.Name).Distinct(StringComparer.Ordinal)];
        return string.Concat(names
            .Where(name => !before[name].Select(part => part.Sha256).SequenceEqual(now[name].Select(part => part.Sha256)))
            .Select(name => $"\n  {Say(before[name])}, now {Say(now[name])}"));
    }

    private static string Say(IEnumerable<DataFile> parts) =>
        parts.Any() ? string.Join(" and ", parts.Select(Say)) : "none";

    private static string Say(DataFile part) => FormattableString.Invariant($"{part.Name} ({part.Bytes:N0} bytes, SHA-256 {part.Sha256[..Digits]}…)");

    private static DataFile OfTensor(string name, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{tensor.dtype} {tensor.shape.AsShape()}"));
        Tensor flat = tensor.cpu().contiguous().flatten();
        for (long start = 0; start < flat.numel(); start += Chunk)
        {
            using Tensor part = flat.narrow(0, start, Math.Min(Chunk, flat.numel() - start)).clone();
            hash.AppendData(part.bytes);
        }

        return new(name, tensor.numel() * tensor.element_size(), Convert.ToHexStringLower(hash.GetHashAndReset()));
    }
}
