using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// The modular GRU (paper, appendix A): z, r = σ(W·[h, x]); candidate = ReLU(Σ_k f_{a_k}([r⊙h, x]));
/// h' = (1 − z)⊙h + z⊙candidate. The controller sees [h, x]; one pool serves all time steps; h starts at zero.
/// </summary>
public sealed class ModularGru : Node
{
    private readonly int _hidden;
    private readonly Controller _controller;
    private readonly ModulePool _pool;
    private readonly Combine _combine;
    private readonly Dispatch _dispatch;
    private readonly Parameter _gateWeight;
    private readonly Parameter _gateBias;

    /// <summary>Gates of weight [2·hidden, hidden + inputs] (z's rows first, then r's) and bias [2·hidden].</summary>
    public ModularGru(
        string name,
        int inputs,
        int hidden,
        Controller controller,
        ModulePool pool,
        Combine combine,
        Dispatch dispatch,
        Initialiser initialiser)
        : base(name)
    {
        PoolMismatch.Check(name, controller, pool);
        if (pool.Inputs != hidden + inputs || combine.Width(pool.Outputs, controller.Choose) != hidden)
        {
            throw new ArgumentException(
                $"{name}: expected modules {hidden + inputs} → {hidden} wide after combination, got {pool.Inputs} → "
                + $"{combine.Width(pool.Outputs, controller.Choose)} – a module reads [h, x] and writes h");
        }

        (_hidden, _controller, _pool, _combine, _dispatch) = (hidden, controller, pool, combine, dispatch);
        _gateWeight = initialiser.Uniform(hidden + inputs, 2L * hidden, hidden + inputs);
        _gateBias = initialiser.Uniform(hidden + inputs, 2L * hidden);
        register_parameter("gate_weight", _gateWeight);
        register_parameter("gate_bias", _gateBias);
        register_module("controller", controller);
    }

    /// <inheritdoc/>
    public override bool HasSites => true;

    /// <inheritdoc/>
    public override IEnumerable<ModulePool> Pools => [_pool];

    /// <summary>x [B, T, in] → all states [B, T, hidden].</summary>
    public override Tensor Forward(Tensor x, Route route)
    {
        Tensor h = zeros(x.shape[0], _hidden, dtype: x.dtype, device: x.device);
        Tensor[] steps = x.unbind(1);
        var states = new Tensor[steps.Length];
        for (int t = 0; t < steps.Length; t++)
        {
            h = Step(h, steps[t], t, route);
            states[t] = h;
        }

        return stack(states, 1);
    }

    private Tensor Step(Tensor h, Tensor x, int time, Route route)
    {
        Tensor hx = cat([h, x], 1);
        Tensor[] gates = sigmoid(nn.functional.linear(hx, _gateWeight, _gateBias)).chunk(2, 1);
        (Tensor z, Tensor r) = (gates[0], gates[1]);
        Selection selection = route.Choose(Name, time, _controller.Distribution(hx));
        Tensor outputs = _dispatch.Run(_pool, cat([r * h, x], 1), selection.Indices);
        Tensor candidate = nn.functional.relu(_combine.Apply(outputs, selection.Weights));
        return h + z * (candidate - h);
    }
}
