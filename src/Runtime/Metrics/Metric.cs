using System.Globalization;

namespace ModNet.Runtime;

/// <summary>How a report draws a metric over the steps.</summary>
public enum MetricChart
{
    /// <summary>The report does not draw it.</summary>
    None,

    /// <summary>A line for each phase.</summary>
    Line,

    /// <summary>A line for each phase, on a logarithmic axis.</summary>
    LogLine,

    /// <summary>An entropy of module choices in nats: all such metrics share one panel, which also marks log M and shows exp H as a number of modules.</summary>
    Entropy,

    /// <summary>A number of modules: the panel reaches up to M.</summary>
    Modules,
}

/// <summary>
/// A number that the trainer logs. <see cref="All"/> is the one table of them: the trainer's log, the progress line, the lines at a run's end,
/// curves, reports and studies all read it. To add a metric, add it here, and compute it in <see cref="Observation"/> or in what that holds.
/// <example><code>
/// public static readonly Metric Loss = new("loss", "loss", seen => seen.Loss) { Phases = Training, Progress = "loss {0:0.0000}" };
/// </code></example>
/// </summary>
/// <param name="Name">The field's name in <c>metrics.jsonl</c> and <c>summary.json</c>.</param>
/// <param name="Title">What tables and charts call it, without its unit; <c>H_a</c> is typeset with a subscript.</param>
/// <param name="Of">Its value; null where it does not apply, and the field is then left out.</param>
public sealed record Metric(string Name, string Title, Func<Observation, double?> Of)
{
    private static readonly string[] Training = ["train"];
    private static readonly string[] HeldOut = ["validation", "test"];

    /// <summary>The names of all phases.</summary>
    public static readonly IReadOnlyList<string> EveryPhase = [.. Training, .. HeldOut];

    /// <summary><c>nats</c>, <c>s</c> for seconds, <c>%</c> for a share from 0 to 1 that tables show in hundredths, or empty.</summary>
    public string Unit { get; init; } = "";

    /// <summary>The phases in which it is logged.</summary>
    public IReadOnlyList<string> Phases { get; init; } = EveryPhase;

    /// <summary>The progress line's text, a composite format of the value {0} and its exponential {1}; null leaves the metric out.</summary>
    public string? Progress { get; init; }

    /// <summary>The name of another metric, beside which the progress line leaves this one out.</summary>
    public string? GivesWayTo { get; init; }

    /// <summary>The text of the value in the lines at the run's end, a format as <see cref="Progress"/> is; null leaves the metric out.</summary>
    public string? End { get; init; }

    /// <summary>
    /// The phases of which the lines at the run's end tell the last value. Where these are all phases, one line tells of the first that has a
    /// value of test, validation and training.
    /// </summary>
    public IReadOnlyList<string> EndPhases { get; init; } = [];

    /// <summary>How a report draws it.</summary>
    public MetricChart Chart { get; init; }

    /// <summary>The y axis' title in a report, where it is not the title with the unit.</summary>
    public string? Axis { get; init; }

    /// <summary>The heading of the report's section in which its chart stands. Metrics of one section stand together in the table.</summary>
    public string Section { get; init; } = "";

    /// <summary>What the report says of it, in whole sentences; empty where the section's other captions say enough.</summary>
    public string Caption { get; init; } = "";

    /// <summary>Title and unit as a table's first column has them: <c>H_a [nats]</c>.</summary>
    public string Heading => Unit == "nats" ? $"{Title} [nats]" : Title;

    /// <summary>What the training method minimises.</summary>
    public static readonly Metric Loss = new("loss", "loss", seen => seen.Loss)
    {
        Phases = Training,
        Progress = "loss {0:0.0000}",
        End = "{0:F4}",
        EndPhases = Training,
        Chart = MetricChart.Line,
        Section = "Loss",
        Caption = "What the training minimises; for Viterbi EM the mean of −log p(y | x, a*) − log p(a* | x) (Eq. 8).",
    };

    /// <summary>log p(y|x, a) per datapoint, nats; in exact training log p(y|x).</summary>
    public static readonly Metric LogLikelihood = new("log_likelihood", "log likelihood", seen => seen.LogLikelihood)
    {
        Progress = "log p {0:0.0000}",
        GivesWayTo = "perplexity",
        Chart = MetricChart.Line,
        Axis = "log p(y | x, a*)",
        Section = "Loss",
    };

    /// <summary>exp of minus the mean log-likelihood per word; text only.</summary>
    public static readonly Metric Perplexity = new("perplexity", "perplexity", seen => seen.Perplexity)
    {
        Progress = "perplexity {0:0.00}",
        End = "{0:F3}",
        EndPhases = HeldOut,
        Chart = MetricChart.LogLine,
        Section = "Perplexity",
        Caption = "exp of the mean negative log-likelihood per symbol, on a logarithmic axis. Lower is better; guessing "
            + "evenly would reach the size of the vocabulary.",
    };

    /// <summary>Share of datapoints whose most probable class is theirs, or of bits that are right; not for text.</summary>
    public static readonly Metric Accuracy = new("accuracy", "accuracy", seen => seen.Score.Accuracy)
    {
        Unit = "%",
        Progress = "accuracy {0:0.00 %}",
        End = "{0:0.00 %}",
        EndPhases = HeldOut,
        Chart = MetricChart.Line,
        Section = "Accuracy",
        Caption = "The share of datapoints whose most probable class is the true one, or of bits that are.",
    };

    /// <summary>Mean over datapoints and dimensions of (y − mean)²; Gaussian heads only.</summary>
    public static readonly Metric SquaredError = new("squared_error", "squared error", seen => seen.Score.SquaredError)
    {
        Progress = "squared error {0:0.####}",
        End = "{0:g4}",
        EndPhases = HeldOut,
        Chart = MetricChart.LogLine,
        Section = "Squared error",
        Caption = "The mean over datapoints and dimensions of (y − mean)², on a logarithmic axis.",
    };

    /// <summary>H_a (Eq. 15, per position), nats; where a method reads controllers.</summary>
    public static readonly Metric SelectionEntropy = new(
        "selection_entropy", "H_a", seen => seen.HasEntropies ? seen.Statistics.SelectionEntropy : null)
    {
        Unit = "nats",
        Progress = "H_a {0:0.000}",
        End = "{0:F4} nats",
        EndPhases = EveryPhase,
        Chart = MetricChart.Entropy,
        Section = "Selection entropies",
        Caption = "H_a (Eq. 15) is how undecided the controller is about one datapoint: it should fall towards 0.",
    };

    /// <summary>H_b (Eq. 16, per position), nats; where a method reads controllers.</summary>
    public static readonly Metric BatchSelectionEntropy = new(
        "batch_selection_entropy", "H_b", seen => seen.HasEntropies ? seen.Statistics.BatchSelectionEntropy : null)
    {
        Unit = "nats",
        Progress = "H_b {0:F3} (≈ {1:F1} modules)",
        End = "{0:F4} nats (≈ {1:F1} modules)",
        EndPhases = EveryPhase,
        Chart = MetricChart.Entropy,
        Section = "Selection entropies",
        Caption = "H_b (Eq. 16) is how evenly the probabilities of a batch spread over the modules: it should stay near log M, and a low H_b is "
            + "collapse. Both are means over the K positions of a choice and over layers, so H_a ≤ H_b ≤ log M. exp H reads an entropy as a "
            + "number of modules. While H_a is high, H_b says little about which modules run: the effective modules below do.",
    };

    /// <summary>Modules of a pool selected at least once, averaged over pools: on a training minibatch or a held-out set.</summary>
    public static readonly Metric ModulesUsed = new(
        "modules_used", "modules used per pool", seen => seen.HasPools ? seen.Statistics.ModulesUsed : null)
    {
        Progress = "{0:0.#} modules used per pool",
        Chart = MetricChart.Modules,
        Section = "Modules used",
        Caption = "How many different modules of a pool ran at least once; a mean where there are several pools.",
    };

    /// <summary>exp of the entropy of the shares of the modules that ran, per pool, averaged over pools.</summary>
    public static readonly Metric EffectiveModules = new(
        "effective_modules", "effective modules per pool", seen => seen.HasPools ? seen.Statistics.EffectiveModules : null)
    {
        Progress = "{0:F1} of them in effect",
        End = "{0:F1}",
        EndPhases = EveryPhase,
        Chart = MetricChart.Modules,
        Section = "Modules used",
        Caption = "Effective modules are exp H of the shares of the work that modules did: so many modules, used alike, would be as diverse. "
            + "A number far below M is collapse, also while controllers are undecided and H_b is high.",
    };

    /// <summary>Share of datapoints whose a* the last E-step replaced; EM only.</summary>
    public static readonly Metric Reassigned = new("reassigned", "reassigned", seen => seen.Reassigned) { Phases = Training };

    /// <summary>Seconds since training began.</summary>
    public static readonly Metric Seconds = new("seconds", "time", seen => seen.Seconds) { Unit = "s" };

    /// <summary>All metrics, in the order of a line of <c>metrics.jsonl</c> and of a report.</summary>
    public static readonly IReadOnlyList<Metric> All =
    [
        Loss, LogLikelihood, Perplexity, Accuracy, SquaredError, SelectionEntropy, BatchSelectionEntropy, ModulesUsed, EffectiveModules,
        Reassigned, Seconds,
    ];

    /// <summary>The metric of that name; null where the table has none, as for a field that a later version wrote.</summary>
    public static Metric? Find(string name) => All.FirstOrDefault(metric => metric.Name == name);

    /// <summary>What the progress line says of this metric in a line of the log; null for nothing.</summary>
    public string? InProgress(MetricsLine line) =>
        Progress is string format && line[this] is double value && !(GivesWayTo is string other && line.Values.ContainsKey(other))
            ? Text(format, value)
            : null;

    /// <summary>The value as the lines at the run's end have it; null for nothing.</summary>
    public string? AtEnd(MetricsLine line) => End is string format && line[this] is double value ? Text(format, value) : null;

    private static string Text(string format, double value) =>
        string.Format(CultureInfo.InvariantCulture, format, value, Math.Exp(value));
}
