using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// One step of a graph. Data comes in with a batch dimension first: vectors as [B, n], sequences as [B, T, n], images as
/// [B, C, H, W].
/// </summary>
public abstract class Node(string name) : nn.Module(name)
{
    /// <summary>
    /// The way to the node, unique within its graph: <c>linear1</c>, or <c>sum_of1/2/linear1</c> inside the second branch.
    /// What contains the node registers it under the last component.
    /// </summary>
    public string Name { get; } = name;

    /// <summary>The last component of <see cref="Name"/>.</summary>
    internal string LocalName => Name[(Name.LastIndexOf('/') + 1)..];

    /// <summary>The controllers inside, in the order in which they are asked; learned ones and given ones.</summary>
    public virtual IEnumerable<Controller> Controllers => [];

    /// <summary>Whether choices are made inside: such a node asks the route's selector.</summary>
    public bool HasSites => Controllers.Any(c => c.Latent);

    /// <summary>The pools that the node uses; the graph registers each once, however many nodes share it.</summary>
    public virtual IEnumerable<ModulePool> Pools => [];

    /// <summary>The node's output for x; choices go through <paramref name="route"/>.</summary>
    public abstract Tensor Forward(Tensor x, Route route);

    /// <summary>Nothing: what a node holds it registers itself, by names of its choice.</summary>
    protected override void RegisterComponents()
    {
    }
}
