using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>How often a module counts that several positions of one row chose.</summary>
public enum Duplicates
{
    /// <summary>Once for every position (Eq. 1).</summary>
    Every,

    /// <summary>Once in all, as in the reference library. It is for sums only.</summary>
    Once,
}

/// <summary>Applies a <see cref="Duplicates"/>.</summary>
internal static class Counting
{
    /// <summary>The factors [B, K] on the chosen modules' outputs, or null where all are 1.</summary>
    internal static Tensor? Weights(this Duplicates duplicates, Selection selection, ScalarType dtype)
    {
        if (duplicates == Duplicates.Every || selection.Indices.shape[1] == 1)
        {
            return selection.Weights;
        }

        // A position counts unless one before it chose the same module: [B, k, j], j < k.
        Tensor same = selection.Indices.unsqueeze(2).eq(selection.Indices.unsqueeze(1));
        Tensor first = same.tril(-1).any(2).logical_not().to_type(dtype);
        return selection.Weights is null ? first : first * selection.Weights;
    }
}
