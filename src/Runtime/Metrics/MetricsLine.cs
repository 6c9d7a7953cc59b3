using System.Text.Json;
using System.Text.Json.Serialization;

namespace ModNet.Runtime;

/// <summary>One line of <c>metrics.jsonl</c>. Values that do not apply are null and are left out.</summary>
public sealed record MetricsLine
{
    private static readonly JsonSerializerOptions Format = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>The number of gradient steps taken.</summary>
    public required long Step { get; init; }

    /// <summary>The phase: "train", "validation" or "test".</summary>
    public required string Phase { get; init; }

    /// <summary>What the training method minimises, per datapoint in nats; in training only.</summary>
    public double? Loss { get; init; }

    /// <summary>The mean log p(y|x, a) per datapoint in nats; in exact training the mean log p(y|x).</summary>
    public double? LogLikelihood { get; init; }

    /// <summary>The perplexity per word, for text.</summary>
    public double? Perplexity { get; init; }

    /// <summary>The share of datapoints whose most probable class is right, or of bits that are right; not for text.</summary>
    public double? Accuracy { get; init; }

    /// <summary>The mean of (y − μ)² over datapoints and dimensions; for Gaussian heads only.</summary>
    public double? SquaredError { get; init; }

    /// <summary>The module selection entropy H_a (Eq. 15), in nats.</summary>
    public double? SelectionEntropy { get; init; }

    /// <summary>The batch module selection entropy H_b (Eq. 16), in nats.</summary>
    public double? BatchSelectionEntropy { get; init; }

    /// <summary>The number of modules that were selected at least once, on a training minibatch or a held-out set.</summary>
    public int? ModulesUsed { get; init; }

    /// <summary>The share of datapoints whose a* the latest E-step replaced; in training by EM only.</summary>
    public double? Reassigned { get; init; }

    /// <summary>The seconds since training began.</summary>
    public required double Seconds { get; init; }

    /// <summary>The values as one line of JSON, without a line end.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Format);

    /// <summary>Reads a line that <see cref="ToJson"/> wrote. JsonException where it is not one.</summary>
    public static MetricsLine Parse(string json) =>
        JsonSerializer.Deserialize<MetricsLine>(json, Format) is { Phase: not null } line
            ? line
            : throw new JsonException("a line of metrics without a phase");
}
