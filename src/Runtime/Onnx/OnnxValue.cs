namespace ModNet.Runtime;

/// <summary>A value of an ONNX graph, [B, …].</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Row">Its dimensions after the batch; −1 for the steps of a sequence, of which there may be any number.</param>
internal sealed record OnnxValue(string Name, long[] Row)
{
    /// <summary>The number of dimensions, with the batch.</summary>
    internal int Rank => Row.Length + 1;

    /// <summary>Whether it is a sequence [B, T, …].</summary>
    internal bool IsSequence => Row.Length == 2 && Row[0] < 0;
}
