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
        Tensor[] outputs = [.. Inside.Select(branch => branch.Forward(x, route))];
        return _combine switch
        {
            Combine.Sum => outputs.Aggregate((a, b) => a + b),
            Combine.Concat => cat(outputs, outputs[0].dim() == 4 ? 1 : -1),
            _ => throw new InvalidOperationException($"{Name}: expected Sum or Concat, got {_combine}"),
        };
    }
}
