using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The modular layer (paper, section 2): for every row the controller chooses K of the pool's M modules, and their outputs are summed (Eq.
/// 1) or concatenated. A row is a vector [in] or an image [C, H, W]. In sequences [B, T, in] every step is a row, and each time step is a
/// site.
/// </summary>
public sealed class ModularLayer : Node
{
    private readonly ModularChoice _choice;
    private readonly bool _halts;

    /// <summary>
    /// Takes the controller over; other layers may share <paramref name="pool"/>. With <paramref name="stopGradient"/>, the controller's
    /// loss does not reach earlier layers. The last <paramref name="context"/> features of a row are for the controller alone.
    /// With <paramref name="halts"/>, a row that chooses the pool's last module has halted in the <see cref="ProgramNode"/> that the layer is in. ArgumentException where the parts do not fit each other.
    /// </summary>
    public ModularLayer(
        string name,
        Controller controller,
        ModulePool pool,
        Combine combine,
        Dispatch dispatch,
        Duplicates duplicates = Duplicates.Every,
        bool stopGradient = false,
        int context = 0,
        bool halts = false)
        : base(name)
    {
        _halts = halts;
        _choice = new(name, controller, pool, combine, dispatch, duplicates, stopGradient, context);
        register_module("controller", controller);
    }

    /// <inheritdoc/>
    public override IEnumerable<Controller> Controllers => [_choice.Controller];

    /// <inheritdoc/>
    public override IEnumerable<ModulePool> Pools => [_choice.Pool];

    /// <summary>x [B, …in] → [B, …out] (sum) or [B, K·out, …] (concatenation); x [B, T, in] → [B, T, out] or [B, T, K·out].</summary>
    public override Tensor Forward(Tensor x, Route route)
    {
        if (x.dim() == 3)
        {
            x = route.Whole(x);
            return EachStep(x, _choice.Beside(route, x.shape[0]), route);
        }

        if (route.Rows is DistinctRows rows)
        {
            return Apart(x, route, rows);
        }

        Tensor? beside = _choice.Beside(route, x.shape[0]);
        return _choice.Run(route, x, route.Choose(Name, 0, _choice.Distribution(x, beside), _choice.Pool.Name, _halts));
    }

    internal override bool TakesDistinctRows => true;

    /// <summary>
    /// Makes several selections for every row: x [B, …in] → [times·B, …out], as for x tiled; x may not be a sequence. The controller and,
    /// where the dispatch can, the modules run on B rows. The route's side inputs are those of times·B rows.
    /// </summary>
    internal Tensor Forward(Tensor x, Route route, int times)
    {
        long rows = x.shape[0];
        Tensor? beside = _choice.Beside(route, times * rows)?.narrow(0, 0, rows);
        ChoiceDistribution each = _choice.Distribution(x, beside).Tile(times);
        return _choice.RunSeveral(route, x, route.Choose(Name, 0, each, _choice.Pool.Name, _halts), times);
    }

    internal override RowValue ToRows(RowPlan plan, RowValue x) => _choice.ToRows(plan, x);

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        OnnxValue rows = x.IsSequence ? onnx.Reshape(x, x.Row[1]) : x;
        OnnxValue? beside = _choice.Controller.BesideOnnx(onnx);
        OnnxValue modules = _choice.Controller.ChosenOnnx(onnx, rows, x.IsSequence && beside is not null ? onnx.ForSteps(beside, x) : beside);
        OnnxValue outputs = _choice.ToOnnx(onnx, rows, modules);
        onnx.Chosen(x.IsSequence ? onnx.AsSteps(modules, x) : modules);
        return x.IsSequence ? onnx.AsSteps(outputs, x) : outputs;
    }

    // The controller runs on rows that were the same before the choice, the modules on those that are the same after it: x [d, …in] → [d', …out].
    private Tensor Apart(Tensor x, Route route, DistinctRows before)
    {
        Tensor? beside = _choice.Beside(route, before.All);
        ChoiceDistribution all = _choice.Distribution(x, beside is null ? null : before.Pick(beside)).Spread(before);
        Selection selection = route.Choose(Name, 0, all, _choice.Pool.Name, _halts);
        DistinctRows after = all.Latent ? before.After(TensorArrays.Vector<long>(selection.Indices)) : before;
        route.Rows = after;
        return _choice.RunApart(route, x, selection, before, after);
    }

    // The controller and the modules run once on all B·T rows; only the choices are made step by step.
    private Tensor EachStep(Tensor x, Tensor? beside, Route route)
    {
        (long batch, long steps) = (x.shape[0], x.shape[1]);
        Tensor rows = x.flatten(0, 1);
        ChoiceDistribution all = _choice.Distribution(rows, beside?.repeat_interleave(steps, dim: 0));
        Selection[] chosen = [.. all.Steps(steps).Select((step, t) => route.Choose(Name, t, step, _choice.Pool.Name, _halts))];
        return _choice.Run(route, rows, Selection.Rows(chosen)).view(batch, steps, -1);
    }
}
