using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// On images: a convolution of stride 1 that keeps the size, ReLU, the mean over all places, then a linear map to the logits.
/// </summary>
public sealed class ConvController : LogitController
{
    private readonly ConvNode _conv;
    private readonly bool _even;

    /// <summary>Images of <paramref name="inputs"/> channels; the convolution is registered as <c>conv</c>.</summary>
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
        // Even kernels need one zero more on one side: right and below, as is usual.
        Tensor padded = _even ? nn.functional.pad(x, [0, 1, 0, 1]) : x;
        return _conv.Forward(padded, Route.NoChoice()).mean([2, 3]);
    }
}
