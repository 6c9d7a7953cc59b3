namespace ModNet.Runtime;

/// <summary>How well a graph does on the held-out set of one task.</summary>
/// <param name="Task">The task's name.</param>
/// <param name="LogLikelihood">The mean log p(y|x, a) per datapoint, in nats.</param>
/// <param name="Accuracy">The share of datapoints, or bits, that are predicted rightly; null for numbers and texts.</param>
/// <param name="Perplexity">exp of the negative mean log-likelihood per word; null unless the data are text.</param>
public sealed record TaskScore(string Task, double LogLikelihood, double? Accuracy, double? Perplexity)
{
    /// <summary>What the names of its fields in a line of metrics begin with; the task's name follows.</summary>
    public const string AccuracyField = "accuracy/", LogLikelihoodField = "log_likelihood/", PerplexityField = "perplexity/";

    /// <summary>Its fields in a line of metrics.</summary>
    internal IEnumerable<(string Name, double? Value)> Fields =>
        [(LogLikelihoodField + Task, LogLikelihood), (PerplexityField + Task, Perplexity), (AccuracyField + Task, Accuracy)];
}
