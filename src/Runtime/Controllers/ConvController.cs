using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A controller for images: a convolution of stride 1 that keeps the size, ReLU, the mean over all places, and a linear map to the logits.
/// </summary>
public sealed class ConvController : LogitController
{
    private readonly ConvNode _conv;
    private readonly bool _even;

    /// <summary>A controller for images of <paramref name="inputs"/> channels. The convolution is registered as <c>conv</c>.</summary>
    public ConvController(int inputs, int channels, int kernel, int choose, int modules, Initialiser initialiser)
        : base(channels, choose, modules, initialiser)
    {
        var convolution = new Convolution(channels, kernel, Stride: 1, Padding: (kernel - 1) / 2);
        _conv = new("conv", inputs, convolution, Activation.Relu, bias: true, initialiser);
        _even = kernel % 2 == 0;
        register_module("conv", _conv);
    }

    /// <inheritdoc/>
    protected override Tensor Features(Tensor x, Tensor? beside)
    {
        // An even kernel needs one more zero on one side; as usual, it is on the right and below.
        Tensor padded = _even ? nn.functional.pad(x, [0, 1, 0, 1]) : x;
        return _conv.Forward(padded, Route.NoChoice()).mean([2, 3]);
    }

    private protected override OnnxValue FeaturesOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? beside)
    {
        OnnxValue padded = _even
            ? onnx.Add("Pad", [x.Row[0], x.Row[1] + 1, x.Row[2] + 1], [x, onnx.Numbers(0, 0, 0, 0, 0, 0, 1, 1)])
            : x;
        OnnxValue channels = _conv.ToOnnx(onnx, padded);
        return onnx.Add("ReduceMean", [channels.Row[0]], [channels], ("axes", new[] { 2L, 3L }), ("keepdims", 0L));
    }
}
