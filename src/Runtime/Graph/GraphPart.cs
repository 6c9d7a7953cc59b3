using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A named part of a graph: a node, a pool, a controller or a head. It registers what it holds itself, under names of its choice;
/// TorchSharp would register every field under the field's name.
/// </summary>
public abstract class GraphPart(string name) : nn.Module(name)
{
    /// <summary>The part's name. Slashes separate the names of what contains it: <c>sum_of1/2/linear1</c>.</summary>
    public string Name { get; } = name;

    /// <summary>The last component of <see cref="Name"/>, under which the containing part registers this one.</summary>
    internal string LocalName => Name[(Name.LastIndexOf('/') + 1)..];

    /// <summary>Registers nothing.</summary>
    protected sealed override void RegisterComponents()
    {
    }
}
