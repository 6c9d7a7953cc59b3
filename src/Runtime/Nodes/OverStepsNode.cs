using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What becomes of the steps of a sequence.</summary>
public enum OverSteps
{
    /// <summary>The last step.</summary>
    Last,

    /// <summary>The mean of all steps.</summary>
    Mean,
}

/// <summary>Makes one vector of a sequence: [B, T, n] → [B, n].</summary>
public sealed class OverStepsNode(string name, OverSteps kind) : Node(name)
{
    internal override bool ReadsWholeWindow => true;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) => kind == OverSteps.Last ? x.select(1, x.shape[1] - 1) : x.mean([1]);

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        long[] row = [x.Row[1]];
        return kind == OverSteps.Last
            ? onnx.Add("Gather", row, [x, onnx.Table([-1])], ("axis", 1L))
            : onnx.Add("ReduceMean", row, [x], ("axes", new[] { 1L }), ("keepdims", 0L));
    }
}
