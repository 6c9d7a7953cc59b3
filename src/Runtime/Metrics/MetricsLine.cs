using System.Text;
using System.Text.Json;

namespace ModNet.Runtime;

/// <summary>One line of <c>metrics.jsonl</c>: what was measured in one phase at one step.</summary>
/// <param name="Step">Gradient steps taken.</param>
/// <param name="Phase"><c>train</c>, <c>validation</c> or <c>test</c>.</param>
/// <param name="Values">Every number by its field's name; what does not apply is left out. Fields that <see cref="Metric.All"/> does not have stay.</param>
/// <example><code>double? loss = MetricsLine.Parse("""{"step":10,"phase":"train","loss":0.5}""")[Metric.Loss];</code></example>
public sealed record MetricsLine(long Step, string Phase, IReadOnlyDictionary<string, double> Values)
{
    // Earlier versions wrote these names as strings.
    private static readonly Dictionary<string, double> NotFinite = new(StringComparer.Ordinal)
    {
        ["NaN"] = double.NaN,
        ["Infinity"] = double.PositiveInfinity,
        ["-Infinity"] = double.NegativeInfinity,
    };

    /// <summary>The metric's value; null where the line has none.</summary>
    public double? this[Metric metric] => Values.TryGetValue(metric.Name, out double value) ? value : null;

    /// <summary>Seconds since training began; 0 where the line does not say.</summary>
    public double Seconds => this[Metric.Seconds] ?? 0;

    /// <summary>
    /// One line of JSON, without line end. JSON has no numbers that are not finite, such as a perplexity that overflows: <c>null</c> stands
    /// for them.
    /// </summary>
    public string ToJson()
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteNumber("step", Step);
            json.WriteString("phase", Phase);
            foreach ((string name, double value) in Values)
            {
                if (double.IsFinite(value))
                {
                    json.WriteNumber(name, value);
                }
                else
                {
                    json.WriteNull(name);
                }
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <summary>
    /// Reads a line that <see cref="ToJson"/> wrote, or a later version: <c>null</c> is read as NaN, and other fields that are no numbers are
    /// left out.
    /// JsonException, InvalidOperationException or FormatException where it is no line of metrics.
    /// </summary>
    public static MetricsLine Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        string? phase = null;
        long? step = null;
        var values = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (JsonProperty field in document.RootElement.EnumerateObject())
        {
            switch (field.Name, field.Value.ValueKind)
            {
                case ("step", JsonValueKind.Number):
                    step = field.Value.GetInt64();
                    break;
                case ("phase", JsonValueKind.String):
                    phase = field.Value.GetString();
                    break;
                case (_, JsonValueKind.Number):
                    values[field.Name] = field.Value.GetDouble();
                    break;
                case (_, JsonValueKind.Null):
                    values[field.Name] = double.NaN;
                    break;
                case (_, JsonValueKind.String) when NotFinite.TryGetValue(field.Value.GetString()!, out double value):
                    values[field.Name] = value;
                    break;
            }
        }

        return new(
            step ?? throw new JsonException("a line of metrics without a step"),
            phase ?? throw new JsonException("a line of metrics without a phase"),
            values);
    }
}
