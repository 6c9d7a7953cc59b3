using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>A jointly trained vector per token: ids [B, T] int64 → [B, T, width] (paper, section 3.2).</summary>
public sealed class EmbedNode : Node
{
    [ComponentName(Name = "weight")]
    private Parameter _weight;

    /// <summary>weight [vocabulary, width] ~ U(−1/√width, 1/√width).</summary>
    public EmbedNode(string name, int vocabulary, int width, Initialiser initialiser)
        : base(name)
    {
        // Small against what Adam moves in a few hundred steps; with N(0, 1) words would keep their random vectors for thousands.
        _weight = initialiser.Uniform(width, vocabulary, width);
        register_parameter("weight", _weight);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) =>
        _weight.index_select(0, x.reshape(-1)).view([.. x.shape, _weight.shape[1]]);
}
