using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Rows of tensors, repeated or added up.</summary>
internal static class TensorRows
{
    /// <summary>All rows in order, several times one after the other: [B, …] → [times·B, …].</summary>
    internal static Tensor Tile(this Tensor x, int times)
    {
        var repeats = new long[x.dim()];
        Array.Fill(repeats, 1);
        repeats[0] = times;
        return times == 1 ? x : x.repeat(repeats);
    }

    /// <summary>The different rows that a sparse tensor [N, …] has, [n] int64, and the sum of each row's summands, [n, …].</summary>
    internal static (Tensor Rows, Tensor Values) SummedRows(this Tensor sparse)
    {
        Tensor values = sparse.SparseValues;
        (Tensor rows, Tensor? places, _) = sparse.SparseIndices.select(0, 0).unique(return_inverse: true);
        return (rows, zeros([rows.shape[0], .. values.shape[1..]], values.dtype, values.device).AddAt(0, places!, values));
    }
}
