using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A multilayer perceptron: linear maps with bias and ReLU to each of the hidden widths, then a linear map to the logits. Images are
/// flattened.
/// </summary>
public sealed class MlpController : LogitController
{
    private readonly LinearNode[] _hidden;

    /// <summary>A controller with hidden layers <c>hidden1</c>, <c>hidden2</c>, … of these widths. Without any it is a linear controller.</summary>
    public MlpController(int inputs, int[] hidden, int choose, int modules, Initialiser initialiser)
        : base(hidden.Length == 0 ? inputs : hidden[^1], choose, modules, initialiser)
    {
        _hidden = new LinearNode[hidden.Length];
        for (int i = 0; i < hidden.Length; i++)
        {
            int before = i == 0 ? inputs : hidden[i - 1];
            _hidden[i] = new($"hidden{i + 1}", before, hidden[i], Activation.Relu, bias: true, initialiser);
            register_module(_hidden[i].Name, _hidden[i]);
        }
    }

    /// <inheritdoc/>
    protected override Tensor Features(Tensor x, Tensor? beside) =>
        _hidden.Aggregate(Vectors(x), (rows, layer) => layer.Forward(rows, Route.NoChoice()));

    private protected override RowValue FeaturesRows(RowPlan plan, RowValue x) =>
        _hidden.Aggregate(x with { Row = [x.Width] }, (value, layer) => layer.ToRows(plan, value));

    private protected override OnnxValue FeaturesOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? beside) =>
        _hidden.Aggregate(Vectors(onnx, x), (rows, layer) => layer.ToOnnx(onnx, rows));
}
