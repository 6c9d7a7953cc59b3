using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>Adds a learned vector to every step of a window, one for each place: [B, T, in] → [B, T, in], T at most the number of vectors.</summary>
public sealed class LearnedPositionsNode : Node
{
    [ComponentName(Name = "weight")]
    private Parameter _weight;

    /// <summary>The parameter weight [steps, in] begins as U(−1/√in, 1/√in), as embeddings do.</summary>
    public LearnedPositionsNode(string name, int steps, int inputs, Initialiser initialiser)
        : base(name)
    {
        _weight = initialiser.Uniform(inputs, steps, inputs);
        register_parameter("weight", _weight);
    }

    internal override bool ReadsWholeWindow => true;

    /// <summary>x [B, T, in] → [B, T, in]. UserException where T is greater than the number of vectors, or a state is carried from window to window.</summary>
    public override Tensor Forward(Tensor x, Route route)
    {
        route.DemandWindows(Name);
        if (x.shape[1] > _weight.shape[0])
        {
            throw new UserException(
                Name, $"at most {_weight.shape[0]} steps, for which it has learned positions", $"{x.shape[1]}", "give it shorter sequences, or say `positions`");
        }

        return x + _weight.narrow(0, 0, x.shape[1]);
    }

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) =>
        onnx.Two("Add", x, onnx.Add("Gather", [], [onnx.Weight(_weight, "weight"), onnx.Places(x)], ("axis", 0L)));
}
