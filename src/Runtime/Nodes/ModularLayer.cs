using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The modular layer of the paper's section 2: the controller chooses K of the pool's M modules per row, their outputs are
/// summed (Eq. 1) or concatenated.
/// </summary>
public sealed class ModularLayer : Node
{
    private readonly Controller _controller;
    private readonly ModulePool _pool;
    private readonly Combine _combine;
    private readonly Dispatch _dispatch;

    /// <summary>A layer over <paramref name="pool"/>, which other layers may share.</summary>
    public ModularLayer(string name, Controller controller, ModulePool pool, Combine combine, Dispatch dispatch)
        : base(name)
    {
        PoolMismatch.Check(name, controller, pool);
        (_controller, _pool, _combine, _dispatch) = (controller, pool, combine, dispatch);
        register_module("controller", controller);
    }

    /// <inheritdoc/>
    public override bool HasSites => true;

    /// <inheritdoc/>
    public override IEnumerable<ModulePool> Pools => [_pool];

    /// <summary>x [B, in] → [B, out] (sum) or [B, K·out] (concatenation).</summary>
    public override Tensor Forward(Tensor x, Route route)
    {
        Selection selection = route.Choose(Name, 0, _controller.Distribution(x));
        return _combine.Apply(_dispatch.Run(_pool, x, selection.Indices), selection.Weights);
    }
}
