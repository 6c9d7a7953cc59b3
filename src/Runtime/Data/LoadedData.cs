namespace ModNet.Runtime;

/// <summary>Data as they were found: the parts, and where they come from.</summary>
/// <param name="Splits">What is trained on and what is held out.</param>
/// <param name="Files">The files that were read; none where data were not read from files.</param>
/// <param name="Classes">The labels by class number; null where targets are not classes.</param>
/// <param name="Tasks">The labels by task id; null where there are no tasks.</param>
public sealed record LoadedData(
    DataSplits Splits,
    IReadOnlyList<DataFile> Files,
    IReadOnlyList<string>? Classes = null,
    IReadOnlyList<string>? Tasks = null)
    : IDisposable
{
    /// <summary>
    /// Holds out so many datapoints of <paramref name="all"/>, shuffled by <paramref name="splitSeed"/>; takes it over.
    /// </summary>
    public static LoadedData Of(Dataset all, long heldOut, long test, long splitSeed) =>
        new(HeldOut.Split(all, heldOut, test, splitSeed), []);

    /// <inheritdoc/>
    public void Dispose() => Splits.Dispose();
}
