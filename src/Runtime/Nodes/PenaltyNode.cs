using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Passes x of any shape on, and in training adds a penalty on it to the loss, by way of the tape. E-steps and evaluation know nothing of it.
/// </summary>
public abstract class PenaltyNode(string name) : Node(name)
{
    /// <inheritdoc/>
    public sealed override Tensor Forward(Tensor x, Route route)
    {
        if (training && Penalty(x, route.Weights) is Tensor penalty)
        {
            route.Tape.Penalise(penalty);
        }

        return x;
    }

    /// <summary>
    /// What x [B, …] adds to the loss, a scalar; null where it adds nothing. <paramref name="weights"/> [B] says how much each datapoint counts; null
    /// where all count alike.
    /// </summary>
    protected abstract Tensor? Penalty(Tensor x, Tensor? weights);

    internal override RowValue ToRows(RowPlan plan, RowValue x) => x;

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) => x;
}
