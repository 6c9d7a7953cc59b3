using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Data that were loaded: the splits, and where they come from.</summary>
/// <param name="Splits">The training data and the held-out data.</param>
/// <param name="Files">The files that were read; empty where data were not read from files.</param>
/// <param name="Classes">The labels by class number; null where targets are not classes.</param>
/// <param name="Tasks">The labels by task id; null where there are no tasks.</param>
/// <param name="Scaling">By what the columns of x were standardised; null where they were not.</param>
/// <param name="Columns">The names of the columns of x; null where x has no columns.</param>
public sealed record LoadedData(
    DataSplits Splits,
    IReadOnlyList<DataFile> Files,
    IReadOnlyList<string>? Classes = null,
    IReadOnlyList<string>? Tasks = null,
    ColumnScaling? Scaling = null,
    IReadOnlyList<string>? Columns = null)
    : IDisposable
{
    /// <summary>The training data and the held-out data. Those that were read from files are identified by the files' contents.</summary>
    public DataSplits Splits { get; } = Files.Count > 0 && !Splits.IsIdentified ? Splits with { Identity = new(Files) } : Splits;

    /// <summary>What stands for a missing number, by column of x; null where none may be missing.</summary>
    public IReadOnlyList<double>? Fill { get; init; }

    /// <summary>The columns of x that hold categories; null where there are none.</summary>
    public IReadOnlyList<ColumnLevels>? Levels { get; init; }

    /// <summary>The rows that were left out because a number is missing.</summary>
    public long Dropped { get; init; }

    /// <summary>The datapoints that were left out because their weight is 0.</summary>
    public long Weightless { get; init; }

    /// <summary>What turns data as they are outside into the network's inputs.</summary>
    public Preparation Preparation => new(Splits.Identity)
    {
        Columns = Columns,
        Scaling = Scaling,
        Fill = Fill,
        Levels = Levels,
        Pixels = Splits.Train.Pixels,
        Classes = Classes,
        Tasks = Tasks,
    };

    /// <summary>Takes over a dataset and holds out so many of its datapoints, shuffled by <paramref name="splitSeed"/>.</summary>
    public static LoadedData Of(Dataset all, long heldOut, long test, long splitSeed) =>
        new(HeldOut.Split(all, heldOut, test, splitSeed), []);

    /// <inheritdoc/>
    public void Dispose() => Splits.Dispose();
}

/// <summary>
/// The training data and the held-out data. A held-out set may have several parts: the last window of a text, which is shorter, is a part
/// of its own.
/// </summary>
public sealed record DataSplits(Dataset Train, IReadOnlyList<Dataset> Validation, IReadOnlyList<Dataset> Test)
    : IDisposable
{
    private DataIdentity? _identity;

    /// <summary>The tasks that the data are made of, in order; empty where they are no stream.</summary>
    public IReadOnlyList<TaskPart> Tasks { get; init; } = [];

    /// <summary>Whether it is known already what tells these data from others.</summary>
    internal bool IsIdentified => _identity is not null;

    /// <summary>
    /// What tells these data from others: the checksums of the files that they were read from, else of their numbers, which are read once for
    /// that.
    /// </summary>
    public DataIdentity Identity
    {
        get => _identity ??= DataIdentity.Of(this);
        init => _identity = value;
    }

    /// <summary>Applies a change to every part.</summary>
    internal DataSplits Map(Func<Dataset, Dataset> change) =>
        new(change(Train), [.. Validation.Select(change)], [.. Test.Select(change)]);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Dataset part in (Dataset[])[Train, .. Validation, .. Test])
        {
            part.Dispose();
        }
    }
}

/// <summary>Holds out a random part of a dataset.</summary>
internal static class HeldOut
{
    /// <summary>
    /// Takes over a dataset, shuffles it by <paramref name="seed"/>, and holds out <paramref name="validation"/> datapoints and then
    /// <paramref name="test"/>; the rest is for training. Where nothing is held out, the order stays.
    /// </summary>
    internal static DataSplits Split(Dataset all, long validation, long test, long seed)
    {
        if (validation + test == 0)
        {
            return new(all, [], []);
        }

        using Dataset whole = all;
        using var scope = NewDisposeScope();
        using var streams = new RandomStreams(seed);
        Tensor order = randperm(all.Count, ScalarType.Int64, generator: streams["held_out"]);
        Dataset[] Take(long start, long count) => count == 0 ? [] : [all.Part(order.narrow(0, start, count))];
        return new(
            all.Part(order.narrow(0, validation + test, all.Count - validation - test)),
            Take(0, validation),
            Take(validation, test));
    }
}
