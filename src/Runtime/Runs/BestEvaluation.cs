using System.Text.Json;

namespace ModNet.Runtime;

/// <summary>The evaluation of a run after which the validation set was the most probable, and what was measured of the test set with it.</summary>
/// <param name="Validation">The line of metrics of the validation set.</param>
/// <param name="Test">The line of metrics of the test set at the same step; null where there is no test set.</param>
public sealed record BestEvaluation(MetricsLine Validation, MetricsLine? Test)
{
    private const string ValidationName = "validation";
    private const string TestName = "test";

    /// <summary>The names of its entries in the metadata of <c>best.safetensors</c>.</summary>
    internal static readonly string[] Names = [ValidationName, TestName];

    /// <summary>The number of gradient steps before it.</summary>
    public long Step => Validation.Step;

    /// <summary>Whether an evaluation counts at all: that of the untrained network does not, and neither does one that is not finite.</summary>
    internal static bool Counts(MetricsLine validation) =>
        validation.Step > 0 && validation[Metric.LogLikelihood] is double value && double.IsFinite(value);

    /// <summary>Whether another line of the validation set is better: its log-likelihood is higher.</summary>
    internal bool IsBeatenBy(MetricsLine validation) =>
        Counts(validation) && validation[Metric.LogLikelihood] > Validation[Metric.LogLikelihood];

    /// <summary>Its entries for the metadata of <c>best.safetensors</c>.</summary>
    internal IEnumerable<(string Name, string Json)> Entries() =>
        Test is null ? [(ValidationName, Validation.ToJson())] : [(ValidationName, Validation.ToJson()), (TestName, Test.ToJson())];

    /// <summary>What <see cref="Entries"/> gave. UserException where the metadata of the file at <paramref name="path"/> has no such entries.</summary>
    internal static BestEvaluation Of(string path, IReadOnlyDictionary<string, string> metadata)
    {
        try
        {
            return new(
                MetricsLine.Parse(metadata.GetValueOrDefault(ValidationName) ?? throw new JsonException("no line of metrics")),
                metadata.TryGetValue(TestName, out string? test) ? MetricsLine.Parse(test) : null);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new UserException(
                path, "a checkpoint that says how well it did on the validation set", e.Message.TrimEnd('.'), "put the file back as the run wrote it");
        }
    }
}
