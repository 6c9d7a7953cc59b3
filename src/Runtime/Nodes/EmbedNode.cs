using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>Looks up a learned vector for every token: ids [B, T] int64 → [B, T, width] (paper, section 3.2).</summary>
public sealed class EmbedNode : Node
{
    [ComponentName(Name = "weight")]
    private Parameter _weight;

    /// <summary>The parameter weight [vocabulary, width] begins as U(−1/√width, 1/√width).</summary>
    public EmbedNode(string name, int vocabulary, int width, Initialiser initialiser)
        : base(name)
    {
        // Small beside what Adam moves in a few hundred steps. With N(0, 1), words would keep their random vectors for thousands of steps.
        _weight = initialiser.Uniform(width, vocabulary, width);
        register_parameter("weight", _weight);
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) =>
        _weight.IndexSelect(0, x.reshape(-1)).view([.. x.shape, _weight.shape[1]]);

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) =>
        onnx.Add("Gather", [.. x.Row, _weight.shape[1]], [onnx.Weight(_weight, "weight"), x], ("axis", 0L));
}
