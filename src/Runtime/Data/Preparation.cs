using System.Text.Json;
using System.Text.Json.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// What turns data as they are outside, in a file or a table, into the inputs of a network, and what the network's numbers stand for outside.
/// A run keeps it as <c>data.json</c>, so that its network is used as it was trained.
/// </summary>
/// <param name="Data">What the data are that the run learned from.</param>
public sealed record Preparation(DataIdentity Data)
{
    /// <summary>The name of its file in a run's folder.</summary>
    public const string FileName = "data.json";

    private const int Version = 1;

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
    };

    /// <summary>The number of training datapoints; null in a run of a version that did not keep it.</summary>
    public long? TrainingDatapoints { get; init; }

    /// <summary>The names of the columns of x, in order; null where x has no columns.</summary>
    public IReadOnlyList<string>? Columns { get; init; }

    /// <summary>By what the columns of x are standardised; null where they are not.</summary>
    public ColumnScaling? Scaling { get; init; }

    /// <summary>What stands for a missing number, by column of x; null where none may be missing.</summary>
    public IReadOnlyList<double>? Fill { get; init; }

    /// <summary>The columns of x that hold categories; null where there are none.</summary>
    public IReadOnlyList<ColumnLevels>? Levels { get; init; }

    /// <summary>How the bytes of images become inputs; null where inputs are no images from files.</summary>
    public PixelScale? Pixels { get; init; }

    /// <summary>The words by token id; null where inputs are no text.</summary>
    public IReadOnlyList<string>? Words { get; init; }

    /// <summary>The labels by class number; null where targets are not classes that have names.</summary>
    public IReadOnlyList<string>? Classes { get; init; }

    /// <summary>The labels by task id; null where there are no tasks.</summary>
    public IReadOnlyList<string>? Tasks { get; init; }

    /// <summary>
    /// x as the data have it → the network's input. Columns [B, D] are in any precision and not yet standardised, categories by their code, and
    /// missing numbers NaN; images [B, C, H, W] are
    /// bytes, 0 to 255; everything else stays as it is. UserException where x is something else.
    /// </summary>
    public Tensor Apply(Tensor x)
    {
        if (Pixels is PixelScale pixels)
        {
            Demand(
                x.dtype == ScalarType.Byte && x.dim() == 4 && x.shape[1] == pixels.Scale.Count, x,
                $"images [B, {pixels.Scale.Count}, H, W] of bytes (uint8, 0 to 255), as the data have them");
            return pixels.Apply(x);
        }

        var steps = new ColumnSteps(Columns, Scaling, Fill, Levels);
        if (!steps.AreNone)
        {
            string missing = Fill is null ? "" : ", NaN where a number is missing";
            string codes = Levels is null ? "" : ", categories by their code from 0";
            Demand(
                x.dim() == 2 && x.shape[1] == steps.Width, x,
                $"rows [B, {steps.Width}] with the columns {string.Join(", ", Columns ?? [])}, not yet standardised{codes}{missing}");
            return steps.Apply(x).to(x.device);
        }

        return x;
    }

    /// <summary>Writes it, whole or not at all, with the number of training datapoints.</summary>
    public void Write(string path, long trainingDatapoints)
    {
        Preparation whole = this with { TrainingDatapoints = trainingDatapoints };
        WholeFile.Write(path, JsonSerializer.Serialize(new Document(Version, whole), Options) + "\n");
    }

    /// <summary>Reads what <see cref="Write"/> wrote; null where there is no file. UserException where it is something else.</summary>
    public static Preparation? Read(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            Document? found = DataFile.Reading(path, () => JsonSerializer.Deserialize<Document>(File.ReadAllText(path), Options));
            return found is { Version: Version, Preparation: { Data.Parts: not null } preparation } && preparation.IsWhole
                ? preparation
                : throw Damaged(path, $"version {found?.Version}, or one with parts missing");
        }
        catch (JsonException e)
        {
            throw Damaged(path, e.Message.TrimEnd('.'));
        }
    }

    private static UserException Damaged(string path, string got) => new(
        path, $"how a run prepares its data (version {Version})", got,
        "put the file back, or resume the run with --resume and its data, which writes it again");

    private bool IsWhole =>
        Scaling is null or { Mean: not null, Deviation: not null }
        && (Scaling is null || Scaling.Mean.Count == Scaling.Deviation.Count)
        && (Fill is null || Fill.Count == Columns?.Count)
        && (Levels is null || AreWhole(Levels))
        && Pixels is null or { Scale: not null, Shift: not null }
        && (Pixels is null || Pixels.Scale.Count == Pixels.Shift.Count)
        && new[] { Columns, Words, Classes, Tasks }.All(names => names is null || AreDistinct(names));

    private bool AreWhole(IReadOnlyList<ColumnLevels> levels) =>
        levels.All(l => l is { Column: not null, Levels: { Count: > 0 } } && AreDistinct(l.Levels) && Columns?.Contains(l.Column) == true)
        && AreDistinct([.. levels.Select(l => l.Column)])
        && (Scaling is null || Scaling.Mean.Count == Columns!.Count);

    // A name that stands there twice, or that is null, would not tell one from another.
    private static bool AreDistinct(IReadOnlyList<string> names) =>
        names.Distinct(StringComparer.Ordinal).Count() == names.Count && names.All(name => name is not null);

    private static void Demand(bool fits, Tensor x, string expected)
    {
        if (!fits)
        {
            throw new UserException("x", expected, $"{x.shape.AsShape()} {x.dtype}", "give x as it is outside; the network prepares it");
        }
    }

    private sealed record Document(int Version, Preparation Preparation);
}
