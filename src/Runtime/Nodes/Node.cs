using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>One step of a graph. Data comes in with a batch dimension first; sequences as [B, T, …].</summary>
public abstract class Node(string name) : nn.Module(name)
{
    /// <summary>The name under which the graph registers the node.</summary>
    public string Name { get; } = name;

    /// <summary>Whether choices are made inside: such a node asks the route's selector.</summary>
    public virtual bool HasSites => false;

    /// <summary>The pools that the node uses; the graph registers each once, however many nodes share it.</summary>
    public virtual IEnumerable<ModulePool> Pools => [];

    /// <summary>The node's output for x; choices go through <paramref name="route"/>.</summary>
    public abstract Tensor Forward(Tensor x, Route route);
}
