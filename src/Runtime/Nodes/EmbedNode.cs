using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>A jointly trained vector per token: ids [B, T] int64 → [B, T, width] (paper, section 3.2).</summary>
public sealed class EmbedNode : Node
{
    private readonly Parameter _weight;

    /// <summary>weight [vocabulary, width] ~ N(0, 1).</summary>
    public EmbedNode(string name, int vocabulary, int width, Initialiser initialiser)
        : base(name)
    {
        _weight = initialiser.Normal(vocabulary, width);
        register_parameter("weight", _weight);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) =>
        _weight.index_select(0, x.reshape(-1)).view([.. x.shape, _weight.shape[1]]);
}
