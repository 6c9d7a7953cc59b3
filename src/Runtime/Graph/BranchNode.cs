using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>x → Σ_i f_i(x), or [f_1(x), f_2(x), …] along the features (the channels of images). A branch without nodes is x itself.</summary>
public sealed class BranchNode : ContainerNode
{
    private readonly Combine _combine;

    /// <summary>
    /// Makes a chain of each branch's nodes. Branches are registered under their numbers, from 1: a parameter is called
    /// <c>sum_of1.2.linear1.weight</c>. ArgumentException where there is no branch.
    /// </summary>
    public BranchNode(string name, Combine combine, IReadOnlyList<IReadOnlyList<Node>> branches)
        : base(name, [.. branches.Select((nodes, i) => new ChainNode($"{name}/{i + 1}", nodes))])
    {
        if (branches.Count == 0)
        {
            throw new ArgumentException($"{name}: expected branches, got none – give at least one");
        }

        _combine = combine;
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route)
    {
        DistinctRows? rows = route.Rows;
        (Tensor Output, DistinctRows? Rows)[] ended = [.. Inside.Select(branch => (branch.Pass(route.Since(rows, x), route), route.Rows))];
        Tensor[] outputs = [.. ended.Select(branch => route.Since(branch.Rows, branch.Output))];
        return _combine switch
        {
            Combine.Sum => outputs.Aggregate((a, b) => a + b),
            Combine.Concat => Operators.Join(outputs, outputs[0].dim() == 4 ? 1 : -1),
            _ => throw new InvalidOperationException($"{Name}: expected Sum or Concat, got {_combine}"),
        };
    }

    internal override bool TakesDistinctRows => true;

    internal override RowValue ToRows(RowPlan plan, RowValue x)
    {
        RowValue[] outputs = [.. Inside.Select(branch => plan.Run(branch, x))];
        return _combine == Combine.Sum ? outputs.Aggregate((a, b) => plan.Add(a, b)) : plan.Concat(outputs);
    }

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        OnnxValue[] outputs = [.. Inside.Select(branch => onnx.Run(branch, x))];
        if (_combine == Combine.Sum)
        {
            return outputs.Aggregate((a, b) => onnx.Two("Add", a, b));
        }

        // The channels of images, the features of everything else.
        int place = outputs[0].Rank == 4 ? 0 : outputs[0].Row.Length - 1;
        long[] row = [.. outputs[0].Row];
        row[place] = outputs.Sum(o => o.Row[place]);
        return onnx.Add("Concat", row, outputs, ("axis", place + 1L));
    }
}
