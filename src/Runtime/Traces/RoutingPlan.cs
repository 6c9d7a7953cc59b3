namespace ModNet.Runtime;

/// <summary>Which routing traces a run leaves.</summary>
/// <param name="Every">One of training datapoints at step 0 and every so many gradient steps; null for none.</param>
/// <param name="Rows">How many training datapoints those hold, at most.</param>
/// <param name="AtEnd">How many held-out datapoints the trace at the end holds, at most.</param>
public sealed record RoutingPlan(long? Every, long Rows, long AtEnd);
