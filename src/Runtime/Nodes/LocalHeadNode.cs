using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A boundary with a head of its own, which predicts the network's targets from x: what is before it gets the gradient of −log p(y|x), the mean over datapoints, which is added to
/// the loss (Belilovsky, Eickenberg, Oyallon, Decoupled Greedy Learning of CNNs, 2020). Where the network is evaluated, only its last head counts.
/// </summary>
public sealed class LocalHeadNode : BoundaryNode
{
    private readonly Head _head;

    /// <summary>A head of the network's kind, with the nodes that lead from x to what it reads.</summary>
    public LocalHeadNode(string name, IReadOnlyList<Node> inside, Head head)
        : base(name, inside)
    {
        _head = head;
        register_module("head", head);
    }

    private protected override Tensor Cut(Tensor x, Route route)
    {
        route.Tape.Penalise(-_head.MeanLogLikelihood(InOrder(x, route), route.DemandTargets(Name), route.Weights));
        return x.detach();
    }
}
