using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// What gated recurrent units share: z, r = σ(W·[h, x] + b) and h' = (1 − z)⊙h + z⊙candidate([r⊙h, x]). The state h starts at zero, or
/// where the previous window left it.
/// </summary>
public abstract class GatedNode : Node
{
    [ComponentName(Name = "gate_weight")]
    private protected Parameter _gateWeight;
    [ComponentName(Name = "gate_bias")]
    private protected Parameter _gateBias;

    /// <summary>Parameters gate_weight [2·hidden, hidden + inputs], z's rows first, and gate_bias [2·hidden].</summary>
    protected GatedNode(string name, int inputs, int hidden, Initialiser initialiser)
        : base(name)
    {
        Hidden = hidden;
        _gateWeight = initialiser.Weight(hidden + inputs, hidden, 2L * hidden, hidden + inputs);
        _gateBias = initialiser.Bias(hidden + inputs, 2L * hidden);
        register_parameter("gate_weight", _gateWeight);
        register_parameter("gate_bias", _gateBias);
    }

    /// <summary>The width of h.</summary>
    protected int Hidden { get; }

    /// <summary>The gates' weight [2·hidden, hidden + inputs], z's rows first, then r's.</summary>
    protected Tensor GateWeight => _gateWeight;

    /// <summary>The gates' bias [2·hidden].</summary>
    protected Tensor GateBias => _gateBias;

    /// <summary>Runs all steps: x [B, T, in] → states [B, T, hidden], with a candidate from ([h, x], [r⊙h, x], time step) → [B, hidden].</summary>
    protected Tensor Unroll(Tensor x, Route route, Func<Tensor, Tensor, int, Tensor> candidate)
    {
        Tensor h = route.Carried(Name) ?? zeros(x.shape[0], Hidden, dtype: x.dtype, device: x.device);
        Tensor[] steps = x.unbind(1);
        var states = new Tensor[steps.Length];
        for (int t = 0; t < steps.Length; t++)
        {
            Tensor hx = Operators.Join([h, steps[t]], 1);
            Tensor[] gates = sigmoid(Products.Linear(hx, _gateWeight, _gateBias)).chunk(2, 1);
            (Tensor z, Tensor r) = (gates[0], gates[1]);
            h = h + z * (candidate(hx, Operators.Join([r * h, steps[t]], 1), t) - h);
            states[t] = h;
        }

        route.Leave(Name, h);
        return Operators.Stack(states, 1);
    }
}
