namespace ModNet.Runtime;

/// <summary>What the trainer saw in one phase at one step: a minibatch that was trained on, or a held-out set. Metrics are read from it.</summary>
/// <param name="Phase"><c>train</c>, <c>validation</c> or <c>test</c>.</param>
/// <param name="LogLikelihood">Mean log p(y|x, a) per datapoint, nats; null where nothing is predicted.</param>
/// <param name="Statistics">How modules were chosen.</param>
/// <param name="Score">How near predictions came to the targets.</param>
public sealed record Observation(string Phase, double? LogLikelihood, SelectionStatistics Statistics, PredictionScore Score)
{
    /// <summary>What the training method minimises, per datapoint, nats; null of a held-out set.</summary>
    public double? Loss { get; init; }

    /// <summary>exp of minus the mean log-likelihood per output; null unless the data are text.</summary>
    public double? Perplexity { get; init; }

    /// <summary>Share of datapoints whose a* the last E-step replaced; null for methods without one.</summary>
    public double? Reassigned { get; init; }

    /// <summary>Whether controllers choose, and the training method reads them: only then do entropies have a meaning.</summary>
    public bool HasEntropies { get; init; }

    /// <summary>Whether the graph has modules to choose from.</summary>
    public bool HasPools { get; init; }

    /// <summary>How the tasks of a stream did, each by itself; empty where the data are no stream.</summary>
    public IReadOnlyList<TaskScore> Tasks { get; init; } = [];

    /// <summary>The loss of every turn of a game by its name; empty where there are no turns.</summary>
    public IReadOnlyList<(string Turn, double Loss)> Turns { get; init; } = [];

    /// <summary>What the names of the turns' fields in a line of metrics begin with; the turn's name follows.</summary>
    public const string TurnField = "loss/";

    /// <summary>Seconds since training began.</summary>
    public double Seconds { get; init; }

    /// <summary>The line of the log at this step: every metric of the phase that applies.</summary>
    public MetricsLine At(long step)
    {
        var values = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (Metric metric in Metric.All)
        {
            if (metric.Phases.Contains(Phase) && metric.Of(this) is double value)
            {
                values.Add(metric.Name, value);
            }
        }

        foreach ((string name, double? value) in Tasks.SelectMany(task => task.Fields))
        {
            if (value is double number)
            {
                values.Add(name, number);
            }
        }

        foreach ((string turn, double loss) in Turns)
        {
            values.Add(TurnField + turn, loss);
        }

        return new(step, Phase, values);
    }
}
