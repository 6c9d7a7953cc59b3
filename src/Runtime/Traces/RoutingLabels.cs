namespace ModNet.Runtime;

/// <summary>What numbers in the data stand for.</summary>
/// <param name="Vocabulary">The words by token id; null where inputs are not tokens.</param>
/// <param name="Classes">The labels by class number; null where there are none.</param>
/// <param name="Tasks">The labels by task id; null where there are none.</param>
public sealed record RoutingLabels(
    IReadOnlyList<string>? Vocabulary = null, IReadOnlyList<string>? Classes = null, IReadOnlyList<string>? Tasks = null);
