using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>A gated recurrent unit that is not modular: z, r = σ(W·[h, x] + b), c = tanh(V·[r⊙h, x] + d), h' = (1 − z)⊙h + z⊙c.</summary>
public sealed class GruNode : GatedNode
{
    [ComponentName(Name = "weight")]
    private Parameter _weight;
    [ComponentName(Name = "bias")]
    private Parameter _bias;

    /// <summary>
    /// Beside the gates' parameters, the candidate's V is the parameter weight [hidden, hidden + inputs], and d the parameter bias [hidden].
    /// </summary>
    public GruNode(string name, int inputs, int hidden, Initialiser initialiser)
        : base(name, inputs, hidden, initialiser)
    {
        _weight = initialiser.Weight(hidden + inputs, hidden, hidden, hidden + inputs);
        _bias = initialiser.Bias(hidden + inputs, hidden);
        register_parameter("weight", _weight);
        register_parameter("bias", _bias);
    }

    /// <summary>x [B, T, in] → all states [B, T, hidden].</summary>
    public override Tensor Forward(Tensor x, Route route) =>
        Unroll(x, route, (_, reset, _) => tanh(Products.Linear(reset, _weight, _bias)));

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        // ONNX keeps z⊙h and adds (1 − z)⊙c, the other way round: its z is σ of minus ours. Rows are z, r, c.
        Tensor Gates(Tensor gates, Tensor candidate) => Operators.Join([-gates.narrow(0, 0, Hidden), gates.narrow(0, Hidden, Hidden), candidate], 0);
        return RecurrentOnnx.Add(onnx, "GRU", x, Hidden, GateWeight, w => Gates(w, _weight), GateBias, b => Gates(b, _bias));
    }
}
