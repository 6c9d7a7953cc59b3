using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// A transposed convolution with its activation, which makes images larger: [B, in, H, W] → [B, channels, H', W'] with H' = (H − 1)·stride − 2·padding + kernel,
/// and W' likewise. It is the transpose of the convolution of the same form as a linear map.
/// </summary>
public sealed class ConvTransposeNode : Node
{
    private readonly Convolution _convolution;
    private readonly Activation _activation;
    [ComponentName(Name = "weight")]
    private Parameter _weight;
    [ComponentName(Name = "bias")]
    private Parameter? _bias;

    /// <summary>Parameters weight [in, channels, kernel, kernel] and, if asked for, bias [channels].</summary>
    public ConvTransposeNode(
        string name, int inputs, Convolution convolution, Activation activation, bool bias, Initialiser initialiser)
        : base(name)
    {
        (_convolution, _activation) = (convolution, activation);
        // Every stride-th value of a window, in both directions, reaches one output.
        long fan = Math.Max(1, convolution.FanIn(inputs) / ((long)convolution.Stride * convolution.Stride));
        _weight = initialiser.Weight(
            fan, convolution.FanOut, inputs, convolution.Channels, convolution.Kernel, convolution.Kernel);
        register_parameter("weight", _weight);
        if (bias)
        {
            _bias = initialiser.Bias(fan, convolution.Channels);
            register_parameter("bias", _bias);
        }
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) => _activation.Apply(
        Products.TransposedConvolution(x, _weight, _bias, _convolution.Stride, _convolution.Padding));

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        OnnxValue[] weights = _bias is null ? [onnx.Weight(_weight, "weight")] : [onnx.Weight(_weight, "weight"), onnx.Weight(_bias, "bias")];
        long Size(long size) => ((size - 1) * _convolution.Stride) - (2L * _convolution.Padding) + _convolution.Kernel;
        OnnxValue sums = onnx.Windows(
            "ConvTranspose", [_convolution.Channels, Size(x.Row[1]), Size(x.Row[2])], [x, .. weights],
            _convolution.Kernel, _convolution.Stride, _convolution.Padding);
        return _activation.ToOnnx(onnx, sums);
    }
}
