using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// Layer normalisation: (x − mean) / √(variance + 1e-5) over the values of a datapoint (on sequences, of a step), then a learned scale and
/// shift for each value. The shape is kept.
/// </summary>
public sealed class LayerNormNode : Node
{
    private readonly long[] _shape;
    [ComponentName(Name = "weight")]
    private Parameter _weight;
    [ComponentName(Name = "bias")]
    private Parameter _bias;

    /// <summary>Parameters weight and bias have the shape of one datapoint or step: [n], or [C, H, W].</summary>
    public LayerNormNode(string name, long[] shape, Initialiser initialiser)
        : base(name)
    {
        _shape = [.. shape];
        _weight = initialiser.Constant(1, shape);
        _bias = initialiser.Constant(0, shape);
        register_parameter("weight", _weight);
        register_parameter("bias", _bias);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) => Operators.LayerNorm(x, _shape, _weight, _bias);

    internal override RowValue ToRows(RowPlan plan, RowValue x) => plan.Scale(plan.Normalise(x), _weight, _bias);

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) => onnx.Add(
        "LayerNormalization", x.Row, [x, onnx.Weight(_weight, "weight"), onnx.Weight(_bias, "bias")],
        ("axis", (long)-_shape.Length), ("epsilon", 1e-5f));
}
