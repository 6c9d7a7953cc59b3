using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>A linear map of x and a softmax for each of the K positions (paper, section 3). Images are flattened.</summary>
public sealed class LinearController(int inputs, int choose, int modules, Initialiser initialiser)
    : LogitController(inputs, choose, modules, initialiser)
{
    /// <inheritdoc/>
    protected override Tensor Features(Tensor x, Tensor? beside) => Vectors(x);

    private protected override RowValue FeaturesRows(RowPlan plan, RowValue x) => x with { Row = [x.Width] };

    private protected override OnnxValue FeaturesOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? beside) => Vectors(onnx, x);
}
