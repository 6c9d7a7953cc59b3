using System.Text.Json;
using System.Text.Json.Serialization;

namespace ModNet.Runtime;

/// <summary>One line of <c>metrics.jsonl</c>; what does not apply is left out.</summary>
public sealed record MetricsLine
{
    private static readonly JsonSerializerOptions Format = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>Gradient steps taken.</summary>
    public required long Step { get; init; }

    /// <summary>"train", "validation" or "test".</summary>
    public required string Phase { get; init; }

    /// <summary>What the training method minimises, per datapoint, nats; training only.</summary>
    public double? Loss { get; init; }

    /// <summary>log p(y|x, a) per datapoint, nats; in exact training log p(y|x).</summary>
    public double? LogLikelihood { get; init; }

    /// <summary>Per word, for text.</summary>
    public double? Perplexity { get; init; }

    /// <summary>Share of datapoints whose most probable class is theirs, or of bits that are right; not for text.</summary>
    public double? Accuracy { get; init; }

    /// <summary>Mean over datapoints and dimensions of (y − mean)²; Gaussian heads only.</summary>
    public double? SquaredError { get; init; }

    /// <summary>H_a (Eq. 15), nats.</summary>
    public double? SelectionEntropy { get; init; }

    /// <summary>H_b (Eq. 16), nats.</summary>
    public double? BatchSelectionEntropy { get; init; }

    /// <summary>Modules selected at least once: on a training minibatch or a held-out set.</summary>
    public int? ModulesUsed { get; init; }

    /// <summary>Share of datapoints whose a* the E-step before replaced; training with choices only.</summary>
    public double? Reassigned { get; init; }

    /// <summary>Seconds since training began.</summary>
    public required double Seconds { get; init; }

    /// <summary>One line of JSON, without line end.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Format);

    /// <summary>The line that <see cref="ToJson"/> wrote.</summary>
    public static MetricsLine Parse(string json) =>
        JsonSerializer.Deserialize<MetricsLine>(json, Format) is { Phase: not null } line
            ? line
            : throw new JsonException("a line of metrics without a phase");
}
