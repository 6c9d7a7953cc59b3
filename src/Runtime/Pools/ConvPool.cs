using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// M convolutions with their activation, stacked: weight [M, channels, in, kernel, kernel] and bias [M, channels]. Layers may use the pool
/// on images of different sizes.
/// </summary>
public sealed class ConvPool : StackedPool
{
    // The price of copying a window's value out of the image before it is multiplied, fitted with the other prices of AutoDispatch.
    private const long Window = 8;

    /// <summary>Makes modules on images of <paramref name="inputs"/> channels; each is initialised as a convolution of its own.</summary>
    public ConvPool(
        string name, int count, int inputs, Convolution form, Activation activation, bool bias, Initialiser initialiser)
        : base(
            name,
            count,
            activation,
            initialiser.Weight(form.FanIn(inputs), form.FanOut, count, form.Channels, inputs, form.Kernel, form.Kernel),
            bias ? initialiser.Bias(form.FanIn(inputs), count, form.Channels) : null) =>
        (Inputs, Convolution) = (inputs, form);

    /// <summary>The channels of a module's input.</summary>
    public int Inputs { get; }

    /// <summary>The form of each module.</summary>
    public Convolution Convolution { get; }

    /// <inheritdoc/>
    public override RowCost? Cost(long[] row)
    {
        long[] output = Convolution.Output(row);
        long windows = Convolution.FanIn(Inputs) * output[1] * output[2];
        return new(windows * output[0], output, windows * Window);
    }

    /// <summary>Runs all modules as one convolution, their channels side by side: x [n, in, H, W] → [n, M, channels, H', W'].</summary>
    public override Tensor ApplyAll(Tensor x) => SideBySide(x, 1);

    /// <summary>Runs all modules as one convolution in M groups: x [n, M, in, H, W] → [n, M, channels, H', W'].</summary>
    public override Tensor ApplyEach(Tensor x) => SideBySide(x.flatten(1, 2), Count);

    /// <inheritdoc/>
    protected override Tensor Map(Tensor x, Tensor weight, Tensor? bias) => Convolution.Apply(x, weight, bias);

    /// <summary>Runs all modules as one convolution, in groups where each has an input of its own.</summary>
    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? modules)
    {
        long groups = x.Row[0];
        OnnxValue beside = onnx.Reshape(x, groups * x.Row[1], x.Row[2], x.Row[3]);
        OnnxValue weight = onnx.Weight(Weight, $"{Name}/weight", "/beside", w => w.flatten(0, 1));
        OnnxValue[] weights = Bias is null ? [weight] : [weight, onnx.Weight(Bias, $"{Name}/bias", "/beside", b => b.flatten())];
        long channels = Convolution.Channels;
        OnnxValue all = Convolution.ToOnnx(onnx, beside, weights, groups, Count * channels);
        return Activation.ToOnnx(onnx, onnx.Reshape(all, Count, channels, all.Row[1], all.Row[2]));
    }

    private Tensor SideBySide(Tensor x, long groups)
    {
        Tensor all = Convolution.Apply(x, Weight.flatten(0, 1), Bias?.view(-1), groups);
        return Activation.Apply(all.view(-1, Count, Convolution.Channels, all.shape[2], all.shape[3]));
    }
}
