using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Folds a sequence by chosen modules: h_t = Σ_k f_{a_k}([h_{t−1}, x_t]). The controller reads [h, x], too; it and the pool serve all time steps. h starts at zero, or where the previous window left it.
/// </summary>
public sealed class FoldNode : Node
{
    private readonly ModularChoice _choice;
    private readonly int _width;

    /// <summary>
    /// Takes the controller over. Modules read [h, x] and write h, <paramref name="width"/> wide. With <paramref name="stopGradient"/>, the controller's loss does not reach h and x.
    /// With <paramref name="halts"/>, a sequence that chooses the pool's last module has halted: its later steps choose this module as well, and that is no choice of theirs. ArgumentException where the parts do not fit each other.
    /// </summary>
    public FoldNode(
        string name,
        int width,
        Controller controller,
        ModulePool pool,
        Combine combine,
        Dispatch dispatch,
        Duplicates duplicates = Duplicates.Every,
        bool stopGradient = false,
        bool halts = false)
        : base(name)
    {
        _choice = new(name, controller, pool, combine, dispatch, duplicates, stopGradient, context: 0);
        _width = width;
        Halts = halts;
        register_module("controller", controller);
    }

    /// <summary>Whether the pool's last module ends a sequence.</summary>
    internal bool Halts { get; }

    /// <inheritdoc/>
    public override IEnumerable<Controller> Controllers => [_choice.Controller];

    /// <inheritdoc/>
    public override IEnumerable<ModulePool> Pools => [_choice.Pool];

    internal override bool ReadsWholeWindow => Halts;

    /// <summary>x [B, T, in] → the states of all steps [B, T, width].</summary>
    public override Tensor Forward(Tensor x, Route route)
    {
        Halting? outer = route.Halting;
        route.Halting = Halts ? new(overSteps: true) : null;
        if (Halts)
        {
            route.DemandWindows(Name);
        }

        Tensor h = route.Carried(Name) ?? zeros(x.shape[0], _width, dtype: x.dtype, device: x.device);
        Tensor? beside = _choice.Beside(route, x.shape[0]);
        Tensor[] steps = x.unbind(1);
        var states = new Tensor[steps.Length];
        for (int t = 0; t < steps.Length; t++)
        {
            Tensor hx = Operators.Join([h, steps[t]], 1);
            Selection selection = route.Choose(Name, t, _choice.Distribution(hx, beside), _choice.Pool.Name, Halts);
            h = _choice.Run(route, hx, selection);
            if (h.shape[^1] != _width)
            {
                throw new ArgumentException(
                    $"{Name}: expected modules that give {_width} wide states after combination, got {h.shape[^1]} – a module reads [h, x] and writes h");
            }

            states[t] = h;
        }

        route.Leave(Name, h);
        route.Halting = outer;
        return Operators.Stack(states, 1);
    }

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        if (Halts)
        {
            throw onnx.Refusal("a fold that halts");
        }

        OnnxValue? beside = _choice.Controller.BesideOnnx(onnx);
        (OnnxValue states, OnnxValue modules) = onnx.Scan(x, _width, (h, step) =>
        {
            OnnxValue hx = onnx.Add("Concat", [_width + x.Row[1]], [h, step], ("axis", 1L));
            OnnxValue chosen = _choice.Controller.ChosenOnnx(onnx, hx, beside);
            return (_choice.ToOnnx(onnx, hx, chosen), chosen);
        });
        onnx.Chosen(modules);
        return states;
    }
}
