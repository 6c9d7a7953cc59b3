using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>A boundary that gives what is before it no gradient at all: only losses before it train that.</summary>
public sealed class ClosedBoundaryNode(string name) : BoundaryNode(name, [])
{
    private protected override Tensor Cut(Tensor x, Route route) => x.detach();
}
