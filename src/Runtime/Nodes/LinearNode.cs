using ModNet.Kernels;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>A linear layer that is not modular, with its activation: […, in] → […, out].</summary>
public sealed class LinearNode : Node
{
    private readonly Activation _activation;
    [ComponentName(Name = "weight")]
    private Parameter _weight;
    [ComponentName(Name = "bias")]
    private Parameter? _bias;
    private SkippingLinear? _skipping;

    /// <summary>Parameters weight [out, in] and, if asked for, bias [out].</summary>
    public LinearNode(string name, int inputs, int outputs, Activation activation, bool bias, Initialiser initialiser)
        : base(name)
    {
        _activation = activation;
        _weight = initialiser.Weight(inputs, outputs, outputs, inputs);
        register_parameter("weight", _weight);
        if (bias)
        {
            _bias = initialiser.Bias(inputs, outputs);
            register_parameter("bias", _bias);
        }
    }

    /// <summary>What is applied to the result.</summary>
    internal Activation Activation => _activation;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route)
    {
        if (training)
        {
            // Its copy of the weights is about to be outdated.
            _skipping = null;
        }

        bool skips = _skipping is not null && !is_grad_enabled() && x.dtype == ScalarType.Float32 && !Accelerator.Holds(x);
        return _activation.Apply(skips ? Products.Skipping(x, _skipping!) : Products.Linear(x, _weight, _bias));
    }

    /// <summary>From now on, until it is trained, skips blocks of so many inputs that are all zero.</summary>
    internal void Skip(int block)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor? Floats(Tensor? values) => values?.to(CPU).to_type(ScalarType.Float32).contiguous();
        _skipping = new(
            TensorSpans.Floats(Floats(_weight)), TensorSpans.Floats(Floats(_bias)), (int)_weight.shape[1], (int)_weight.shape[0], block);
    }

    internal override RowValue ToRows(RowPlan plan, RowValue x) => plan.Linear(x, _weight, _bias, _activation);

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) => _activation.ToOnnx(onnx, onnx.Linear(x, _weight, _bias));
}
