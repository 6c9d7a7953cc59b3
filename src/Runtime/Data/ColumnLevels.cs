using System.Text.Json.Serialization;

namespace ModNet.Runtime;

/// <summary>The categories of a column of x, its levels, and how they reach the network.</summary>
/// <param name="Column">The column's name.</param>
/// <param name="Levels">The levels by code, from 0. An empty text stands for a missing value.</param>
/// <param name="Coded">
/// Whether the network reads the code itself, for a layer that embeds it; otherwise it reads one column for each level, 1 for the level that
/// is there and 0 for all others.
/// </param>
public sealed record ColumnLevels(string Column, IReadOnlyList<string> Levels, bool Coded)
{
    /// <summary>
    /// Whether code −1, a level that is none of these, is read as zeros in all of the column's levels; otherwise it is refused.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool UnseenAsZeros { get; init; }

    /// <summary>The code of a level that is none of a column's.</summary>
    internal const int Unseen = -1;

    /// <summary>The columns that the network reads for it.</summary>
    internal int Width => Coded ? 1 : Levels.Count;
}
