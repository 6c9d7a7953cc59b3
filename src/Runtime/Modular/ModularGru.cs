using ModNet.Kernels;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The modular GRU (paper, appendix A): z, r = σ(W·[h, x] + b), candidate = ReLU(Σ_k f_{a_k}([r⊙h, x])) and h' = (1 − z)⊙h + z⊙candidate.
/// The controller reads [h, x], and one pool serves all time steps.
/// </summary>
public sealed class ModularGru : GatedNode
{
    private readonly ModularChoice _choice;

    /// <summary>
    /// Takes the controller over. Modules read [h, x] and write h. With <paramref name="stopGradient"/>, the controller's loss does not
    /// reach h and x. ArgumentException where the parts do not fit each other.
    /// </summary>
    public ModularGru(
        string name,
        int inputs,
        int hidden,
        Controller controller,
        ModulePool pool,
        Combine combine,
        Dispatch dispatch,
        Initialiser initialiser,
        Duplicates duplicates = Duplicates.Every,
        bool stopGradient = false)
        : base(name, inputs, hidden, initialiser)
    {
        _choice = new(name, controller, pool, combine, dispatch, duplicates, stopGradient, context: 0);
        if (pool is LinearPool linear
            && (linear.Inputs != hidden + inputs || combine.Width(linear.Outputs, controller.Choose) != hidden))
        {
            throw new ArgumentException(
                $"{name}: expected modules {hidden + inputs} → {hidden} wide after combination, got {linear.Inputs} → "
                + $"{combine.Width(linear.Outputs, controller.Choose)} – a module reads [h, x] and writes h");
        }

        register_module("controller", controller);
    }

    /// <inheritdoc/>
    public override IEnumerable<Controller> Controllers => [_choice.Controller];

    /// <inheritdoc/>
    public override IEnumerable<ModulePool> Pools => [_choice.Pool];

    /// <summary>x [B, T, in] → the states of all steps [B, T, hidden].</summary>
    public override Tensor Forward(Tensor x, Route route) => AtOnce(x, route) ?? StepByStep(x, route);

    // Runs the whole window in one call of a kernel, where that is faster: with a linear pool and a linear controller, choices that can be
    // told ahead, and dispatch left to the rule. Else null.
    private Tensor? AtOnce(Tensor x, Route route)
    {
        if (_choice is not
            {
                Controller: LinearController controller,
                Pool: LinearPool pool,
                Combine: Combine.Sum,
                Dispatch: AutoDispatch,
            }
            || (pool.Activation != Activation.Identity && pool.Activation != Activation.Relu)
            // The kernel keeps the rows that its modules read to itself.
            || pool.Heard is not null
            || pool.Precision != Precision.Weights
            || !FusedModularGru.Takes(x, Hidden, controller, pool, route.Runs(controller))
            || route.Ahead(Name, controller, (int)x.shape[1], x.shape[0], x.device) is not WindowChoice ahead)
        {
            return null;
        }

        Tensor? noise = ahead.Gate?.Noise is null ? null : controller.Noise;
        var size = new ModularGruSize(
            (int)x.shape[0], (int)x.shape[1], (int)x.shape[2], Hidden, controller.Modules, controller.Choose)
        {
            ReluInside = pool.Activation == Activation.Relu,
            Once = _choice.Duplicates == Duplicates.Once,
            StopGradient = _choice.StopGradient,
            TopK = ahead.Gate?.K ?? 0,
            Noisy = noise is not null,
        };
        ModularGruOutputs outputs = FusedModularGru.Run(
            new(x, route.Carried(Name), GateWeight, GateBias, controller.Weight, controller.Bias, pool.Weight, pool.Bias, noise),
            size,
            ahead);
        _choice.Use(outputs.Indices);
        route.Record(Name, _choice.Pool.Name, outputs.LogProbabilities, outputs.Indices, outputs.Weights);
        route.Leave(Name, outputs.States.select(1, size.Steps - 1));
        return outputs.States;
    }

    private Tensor StepByStep(Tensor x, Route route)
    {
        Tensor? beside = _choice.Beside(route, x.shape[0]);
        return Unroll(x, route, (hx, reset, time) =>
        {
            Selection selection = route.Choose(Name, time, _choice.Distribution(hx, beside), _choice.Pool.Name);
            Tensor combined = _choice.Run(route, reset, selection);
            if (combined.shape[^1] != Hidden)
            {
                // Broadcasting would silently spread a width of 1 over h.
                throw new ArgumentException(
                    $"{Name}: expected modules that give {Hidden} wide states after combination, got {combined.shape[^1]} "
                    + "– a module reads [h, x] and writes h");
            }

            return Operators.Relu(combined);
        });
    }

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        long inputs = x.Row[1];
        OnnxValue? beside = _choice.Controller.BesideOnnx(onnx);
        (OnnxValue states, OnnxValue modules) = onnx.Scan(x, Hidden, (h, step) =>
        {
            OnnxValue Both(OnnxValue state) => onnx.Add("Concat", [Hidden + inputs], [state, step], ("axis", 1L));
            OnnxValue hx = Both(h);
            OnnxValue gates = onnx.Each("Sigmoid", onnx.Linear(hx, GateWeight, GateBias));
            OnnxValue Gate(long from) => onnx.Add("Slice", [Hidden], [gates, onnx.Numbers(from), onnx.Numbers(from + Hidden), onnx.Numbers(1)]);
            OnnxValue chosen = _choice.Controller.ChosenOnnx(onnx, hx, beside);
            OnnxValue sum = _choice.ToOnnx(onnx, Both(onnx.Two("Mul", Gate(Hidden), h)), chosen);
            OnnxValue change = onnx.Two("Mul", Gate(0), onnx.Two("Sub", onnx.Each("Relu", sum), h));
            return (onnx.Two("Add", h, change), chosen);
        });
        onnx.Chosen(modules);
        return states;
    }
}
