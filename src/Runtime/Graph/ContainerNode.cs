using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>A node that contains others and registers them under the last components of their names.</summary>
public abstract class ContainerNode : Node
{
    private readonly Node[] _inside;

    /// <summary>Takes the nodes over.</summary>
    protected ContainerNode(string name, IReadOnlyList<Node> inside)
        : base(name)
    {
        _inside = [.. inside];
        foreach (Node node in _inside)
        {
            register_module(node.LocalName, node);
        }
    }

    /// <summary>The nodes inside, in order.</summary>
    public IReadOnlyList<Node> Inside => _inside;

    /// <inheritdoc/>
    public override IEnumerable<Controller> Controllers => _inside.SelectMany(n => n.Controllers);

    /// <inheritdoc/>
    public override IEnumerable<ModulePool> Pools => _inside.SelectMany(n => n.Pools).Distinct();

    /// <summary>Runs the nodes one after the other; the result is x itself where there are none.</summary>
    protected Tensor InOrder(Tensor x, Route route)
    {
        foreach (Node node in _inside)
        {
            x = node.Pass(x, route);
            Footprint.Current?.Pass(x.numel());
        }

        return x;
    }

    /// <summary>Adds the steps of the nodes one after the other.</summary>
    private protected RowValue InOrder(RowPlan plan, RowValue x) => _inside.Aggregate(x, (value, node) => plan.Run(node, value));

    /// <summary>Adds the operators of the nodes one after the other.</summary>
    private protected OnnxValue InOrder(OnnxGraph onnx, OnnxValue x) => _inside.Aggregate(x, (value, node) => onnx.Run(node, value));
}
