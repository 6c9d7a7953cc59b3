using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Repeats the rows of tensors.</summary>
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
}
