using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// A causal convolution over the steps of a sequence, with its activation: [B, T, in] → [B, T, channels]. The output at a step reads that step and the kernel −
/// 1 steps before it that lie dilation apart, and none after it. Before the first step stand zeros, or the steps with which the previous window ended.
/// </summary>
public sealed class Conv1dNode : Node
{
    private readonly int _inputs;
    private readonly int _dilation;
    private readonly long _before;
    private readonly Activation _activation;
    [ComponentName(Name = "weight")]
    private Parameter _weight;
    [ComponentName(Name = "bias")]
    private Parameter? _bias;

    /// <summary>Parameters weight [channels, in, kernel], the latest step last, and, if asked for, bias [channels].</summary>
    public Conv1dNode(
        string name, int inputs, int channels, int kernel, int dilation, Activation activation, bool bias, Initialiser initialiser)
        : base(name)
    {
        (_inputs, _dilation, _activation, _before) = (inputs, dilation, activation, (kernel - 1L) * dilation);
        long fan = (long)inputs * kernel;
        _weight = initialiser.Weight(fan, (long)channels * kernel, channels, inputs, kernel);
        register_parameter("weight", _weight);
        if (bias)
        {
            _bias = initialiser.Bias(fan, channels);
            register_parameter("bias", _bias);
        }
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route)
    {
        Tensor steps = x;
        if (_before > 0)
        {
            Tensor before = route.Carried(Name) ?? zeros(x.shape[0], _before, _inputs, dtype: x.dtype, device: x.device);
            steps = Operators.Join([before, x], 1);
            route.Leave(Name, steps.narrow(1, x.shape[1], _before));
        }

        Tensor sums = Products.SequenceConvolution(steps.transpose(1, 2), _weight, _bias, _dilation);
        return _activation.Apply(sums.transpose(1, 2));
    }

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        OnnxValue steps = onnx.Add("Transpose", [x.Row[1], -1], [x], ("perm", new[] { 0L, 2L, 1L }));
        OnnxValue[] weights = _bias is null ? [onnx.Weight(_weight, "weight")] : [onnx.Weight(_weight, "weight"), onnx.Weight(_bias, "bias")];
        OnnxValue sums = onnx.Add(
            "Conv", [_weight.shape[0], -1], [steps, .. weights],
            ("kernel_shape", new[] { _weight.shape[2] }), ("dilations", new[] { (long)_dilation }), ("pads", new[] { _before, 0L }));
        return _activation.ToOnnx(onnx, onnx.Add("Transpose", [-1, _weight.shape[0]], [sums], ("perm", new[] { 0L, 2L, 1L })));
    }
}
