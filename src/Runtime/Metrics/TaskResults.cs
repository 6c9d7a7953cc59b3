namespace ModNet.Runtime;

/// <summary>
/// What became of every task while others were learned: R_ij, how well task j does in evaluation after the training on task i, and what is
/// made of it.
/// </summary>
/// <param name="Measure">
/// What R holds, the higher the better: <c>accuracy</c>; of a text <c>log_likelihood_per_word</c>, minus the logarithm of the perplexity; otherwise
/// <c>log_likelihood</c> per datapoint. Both are in nats.
/// </param>
/// <param name="Tasks">The names of the T tasks in their order.</param>
/// <param name="Before">The same before any training, [T]; null where the log does not tell.</param>
/// <param name="Rows">R, a row of T for every task that has been trained to its end so far.</param>
public sealed record TaskResults(
    string Measure, IReadOnlyList<string> Tasks, IReadOnlyList<double>? Before, IReadOnlyList<IReadOnlyList<double>> Rows)
{
    /// <summary>The mean of the last row of R: how well the tasks do at the end, those that are still to come included.</summary>
    public double? Average => Rows.Count > 0 ? Rows[^1].Average() : null;

    /// <summary>
    /// The mean over the tasks j that were trained before the last row, of max_i R_ij − R_Tj: how much worse a task does than when it did best. Null
    /// with fewer than two rows.
    /// </summary>
    public double? Forgetting => Rows.Count < 2
        ? null
        : Enumerable.Range(0, Rows.Count - 1).Average(j => Rows.Max(row => row[j]) - Rows[^1][j]);

    /// <summary>
    /// The mean over the tasks j after the first of R_(j−1)j − R_0j, where R_0 is before any training (Lopez-Paz and Ranzato 2017): how much the earlier
    /// tasks help a task before it is trained on. Null with fewer than two rows.
    /// </summary>
    public double? ForwardTransfer => Rows.Count < 2 || Before is null
        ? null
        : Enumerable.Range(1, Rows.Count - 1).Average(j => Rows[j - 1][j] - Before[j]);

    /// <summary>
    /// Reads them from a run's log. <paramref name="ends"/> are the gradient steps with which the tasks end. Null where the phase was not evaluated.
    /// </summary>
    public static TaskResults? Of(IEnumerable<MetricsLine> log, string phase, IReadOnlyList<string> tasks, IReadOnlyList<long> ends)
    {
        Dictionary<long, MetricsLine> lines = log.Where(line => line.Phase == phase).GroupBy(line => line.Step).ToDictionary(g => g.Key, g => g.Last());
        (string Measure, string Field, Func<double, double> Value)[] measures =
        [
            ("accuracy", TaskScore.AccuracyField, value => value),
            ("log_likelihood_per_word", TaskScore.PerplexityField, value => -Math.Log(value)),
            ("log_likelihood", TaskScore.LogLikelihoodField, value => value),
        ];
        foreach ((string measure, string field, Func<double, double> value) in measures)
        {
            double[]? Row(long step) => lines.TryGetValue(step, out MetricsLine? line) && tasks.All(task => line.Values.ContainsKey(field + task))
                ? [.. tasks.Select(task => value(line.Values[field + task]))]
                : null;
            double[][] rows = [.. ends.Select(Row).TakeWhile(row => row is not null).Select(row => row!)];
            if (Row(0) is double[] before)
            {
                return new(measure, tasks, before, rows);
            }

            if (rows.Length > 0)
            {
                return new(measure, tasks, null, rows);
            }
        }

        return null;
    }
}
