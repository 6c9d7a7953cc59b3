using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Runs a module of the user's own, [B, …] → [B, …], which is registered as <c>module</c>.</summary>
public sealed class CustomNode : Node
{
    private readonly nn.Module<Tensor, Tensor> _module;

    /// <summary>Takes the module over.</summary>
    public CustomNode(string name, nn.Module<Tensor, Tensor> module)
        : base(name)
    {
        _module = module;
        register_module("module", module);
    }

    // Nobody knows what it looks at.
    internal override bool ReadsWholeWindow => true;

    /// <summary>Runs the module on x. UserException where it does not give one output per datapoint.</summary>
    public override Tensor Forward(Tensor x, Route route)
    {
        Tensor y = _module.call(x);
        if (y.dim() < 2 || y.shape[0] != x.shape[0])
        {
            throw new UserException(
                Name, $"an output [{x.shape[0]}, …] of the custom module for input {x.shape.AsShape()}", y.shape.AsShape(),
                "keep the first dimension, the batch, as it comes");
        }

        return y;
    }

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) => throw onnx.Refusal("a custom module");
}
