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
    public override Tensor Forward(Tensor x, Route route) =>
        _activation.Apply(Products.Linear(x, _weight, _bias));

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) => _activation.ToOnnx(onnx, onnx.Linear(x, _weight, _bias));
}
