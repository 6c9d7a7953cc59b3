using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A stage of a <see cref="ChainPool"/> that runs the same node without parameters (activation, pooling, flatten, dropout) for every module.
/// </summary>
public sealed class StagePool : ModulePool
{
    private readonly Node _node;
    private readonly Dictionary<string, RowCost> _costs = new(StringComparer.Ordinal);

    /// <summary>Takes the node over. ArgumentException where it has parameters.</summary>
    public StagePool(string name, int count, Node node)
        : base(name, count)
    {
        if (node.parameters().Any() || node.buffers().Any() || node.Pools.Any())
        {
            throw new ArgumentException(
                $"pool {name}: expected a node without parameters, got {node.Name} – give each module its own in a NodePool");
        }

        _node = node;
        register_module(node.LocalName, node);
    }

    /// <summary>The node that runs for every module.</summary>
    internal Node Node => _node;

    /// <summary>Counts no multiply-adds, and finds the output's shape by running one row of zeros, once for every row shape.</summary>
    public override RowCost? Cost(long[] row)
    {
        string key = row.AsShape();
        if (!_costs.TryGetValue(key, out RowCost cost))
        {
            using var scope = NewDisposeScope();
            bool before = _node.training;
            _node.eval();
            cost = new(0, _node.Forward(zeros([1, .. row]), Route.NoChoice()).shape[1..]);
            _node.train(before);
            _costs.Add(key, cost);
        }

        return cost;
    }

    /// <inheritdoc/>
    public override Tensor Apply(int module, Tensor x) => _node.Forward(x, Route.NoChoice());

    /// <inheritdoc/>
    public override Tensor ApplyEach(Tensor x)
    {
        Tensor outputs = _node.Forward(x.flatten(0, 1), Route.NoChoice());
        return outputs.view([x.shape[0], Count, .. outputs.shape[1..]]);
    }

    /// <inheritdoc/>
    public override Tensor ApplySegments(Tensor x, long[] modules, long[] lengths) => _node.Forward(x, Route.NoChoice());

    internal override bool GathersInOnnx => true;

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? modules)
    {
        OnnxValue rows = _node.ToOnnx(onnx, onnx.Reshape(x, x.Row[1..]));
        return onnx.Reshape(rows, [x.Row[0], .. rows.Row]);
    }
}
