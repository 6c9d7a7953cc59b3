namespace ModNet.Runtime;

/// <summary>Which columns of a CSV file are what. A file without a header has columns named 1, 2, ….</summary>
public sealed record CsvLayout
{
    /// <summary>The columns that y is made of, in order: numbers, or with <see cref="Classes"/> one column of labels.</summary>
    public required IReadOnlyList<string> Targets { get; init; }

    /// <summary>How many labels the target column has; null where targets are numbers.</summary>
    public int? Classes { get; init; }

    /// <summary>The columns that x is made of, in order; null takes all that are neither target nor task.</summary>
    public IReadOnlyList<string>? Features { get; init; }

    /// <summary>The column of task ids, labels of any kind; null where there are no tasks.</summary>
    public string? Task { get; init; }

    /// <summary>Whether the first row names the columns.</summary>
    public bool Header { get; init; } = true;

    /// <summary>What stands between two values.</summary>
    public char Separator { get; init; } = ',';
}
