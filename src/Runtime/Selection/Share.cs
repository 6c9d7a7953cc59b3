namespace ModNet.Runtime;

/// <summary>
/// What share some rows are of those that would be run at once, were memory no matter: <paramref name="Datapoints"/> of all, with
/// <paramref name="Candidates"/> of all. What is decided by the number of rows asks here, so that it is the same however they are cut.
/// </summary>
internal readonly record struct Share(long Datapoints, long AllDatapoints, long Candidates = 1, long AllCandidates = 1)
{
    /// <summary>All of them.</summary>
    internal static Share Whole { get; } = new(1, 1);

    /// <summary>How many rows there would be for these, the same number of every candidate of a datapoint.</summary>
    internal long Rows(long rows) => rows / (Datapoints * Candidates) * (AllDatapoints * AllCandidates);

    /// <summary>The same of rows that hold their candidates side by side.</summary>
    internal long RowsOfDatapoints(long rows) => rows / Datapoints * AllDatapoints;

    /// <summary>How many positions there would be side by side for these.</summary>
    internal long Positions(long positions) => positions / Candidates * AllCandidates;
}
