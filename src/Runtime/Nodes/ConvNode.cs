using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>A convolution that is not modular, with its activation: [B, in, H, W] → [B, channels, H', W'].</summary>
public sealed class ConvNode : Node
{
    private readonly Convolution _convolution;
    private readonly Activation _activation;
    [ComponentName(Name = "weight")]
    private Parameter _weight;
    [ComponentName(Name = "bias")]
    private Parameter? _bias;

    /// <summary>Parameters weight [channels, in, kernel, kernel] and, if asked for, bias [channels].</summary>
    public ConvNode(
        string name, int inputs, Convolution convolution, Activation activation, bool bias, Initialiser initialiser)
        : base(name)
    {
        (_convolution, _activation) = (convolution, activation);
        (long fan, int kernel) = (convolution.FanIn(inputs), convolution.Kernel);
        _weight = initialiser.Weight(fan, convolution.FanOut, convolution.Channels, inputs, kernel, kernel);
        register_parameter("weight", _weight);
        if (bias)
        {
            _bias = initialiser.Bias(fan, convolution.Channels);
            register_parameter("bias", _bias);
        }
    }

    internal bool EndsInRelu => _activation == Activation.Relu;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) => _activation.Apply(_convolution.Apply(x, _weight, _bias));

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        OnnxValue[] weights = _bias is null ? [onnx.Weight(_weight, "weight")] : [onnx.Weight(_weight, "weight"), onnx.Weight(_bias, "bias")];
        return _activation.ToOnnx(onnx, _convolution.ToOnnx(onnx, x, weights));
    }
}
