using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The modular layer of the paper's section 2: the controller chooses K of the pool's M modules per row, their outputs are
/// summed (Eq. 1) or concatenated. A row is a vector [in] or an image [C, H, W]; of sequences [B, T, in] every step is a
/// row with a choice, and a site, of its own.
/// </summary>
public sealed class ModularLayer : Node
{
    private readonly ModularChoice _choice;

    /// <summary>
    /// A layer over <paramref name="pool"/>, which other layers may share. With <paramref name="stopGradient"/> the
    /// controller's loss stays out of the layers before.
    /// </summary>
    public ModularLayer(
        string name,
        Controller controller,
        ModulePool pool,
        Combine combine,
        Dispatch dispatch,
        Duplicates duplicates = Duplicates.Every,
        bool stopGradient = false)
        : base(name)
    {
        _choice = new(name, controller, pool, combine, dispatch, duplicates, stopGradient);
        register_module("controller", controller);
    }

    /// <inheritdoc/>
    public override IEnumerable<Controller> Controllers => [_choice.Controller];

    /// <inheritdoc/>
    public override IEnumerable<ModulePool> Pools => [_choice.Pool];

    /// <summary>
    /// x [B, …in] → [B, …out] (sum) or [B, K·out, …] (concatenation); x [B, T, in] → [B, T, out] or [B, T, K·out].
    /// </summary>
    public override Tensor Forward(Tensor x, Route route)
    {
        Tensor? beside = _choice.Beside(route, x.shape[0]);
        if (x.dim() == 3)
        {
            return EachStep(x, beside, route);
        }

        return _choice.Run(route, x, route.Choose(Name, 0, _choice.Distribution(x, beside)));
    }

    /// <summary>
    /// Several selections for every row: x [B, …in], not of sequences → [times·B, …out], row times first, as x tiled would give.
    /// The controller and, where the dispatch can, the modules run on B rows. What the route knows of datapoints it knows of times·B.
    /// </summary>
    internal Tensor Forward(Tensor x, Route route, int times)
    {
        long rows = x.shape[0];
        Tensor? beside = _choice.Beside(route, times * rows)?.narrow(0, 0, rows);
        ChoiceDistribution each = _choice.Distribution(x, beside).Tile(times);
        return _choice.RunSeveral(route, x, route.Choose(Name, 0, each), times);
    }

    // The controller and the modules run once over all B·T rows; only the choices are taken step by step.
    private Tensor EachStep(Tensor x, Tensor? beside, Route route)
    {
        (long batch, long steps) = (x.shape[0], x.shape[1]);
        Tensor rows = x.flatten(0, 1);
        ChoiceDistribution all = _choice.Distribution(rows, beside?.repeat_interleave(steps, dim: 0));
        Selection[] chosen = [.. all.Steps(steps).Select((step, t) => route.Choose(Name, t, step))];
        return _choice.Run(route, rows, Selection.Rows(chosen)).view(batch, steps, -1);
    }
}
