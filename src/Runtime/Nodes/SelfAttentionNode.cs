using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// Self-attention with H heads over the steps of a sequence (Vaswani et al., Attention Is All You Need, section 3.2): [B, T, in] → [B, T, in]. Each head makes a query, a
/// key and a value [in / H] of every step; a step's output is the mean of the values by softmax(q·k / √(in / H)) over the steps that it sees, and a linear map of the
/// heads' outputs side by side follows. It sees the steps of one window alone.
/// </summary>
public sealed class SelfAttentionNode : Node
{
    private readonly int _width;
    private readonly int _heads;
    private readonly bool _causal;
    [ComponentName(Name = "weight")]
    private Parameter _weight;
    [ComponentName(Name = "bias")]
    private Parameter _bias;
    [ComponentName(Name = "out_weight")]
    private Parameter _outWeight;
    [ComponentName(Name = "out_bias")]
    private Parameter _outBias;

    /// <summary>
    /// Parameters weight [3·in, in] and bias [3·in] make queries, keys and values, in that order, head by head in each; out_weight [in, in] and out_bias [in] map the
    /// heads' outputs. Where <paramref name="causal"/>, a step sees itself and earlier steps, else all. ArgumentException where <paramref name="heads"/> does not divide
    /// <paramref name="inputs"/>.
    /// </summary>
    public SelfAttentionNode(string name, int inputs, int heads, bool causal, Initialiser initialiser)
        : base(name)
    {
        if (heads < 1 || inputs % heads != 0)
        {
            throw new ArgumentException($"expected heads that divide the width {inputs}, got {heads}", nameof(heads));
        }

        (_width, _heads, _causal) = (inputs, heads, causal);
        _weight = initialiser.Weight(inputs, inputs, 3L * inputs, inputs);
        _bias = initialiser.Bias(inputs, 3L * inputs);
        _outWeight = initialiser.Weight(inputs, inputs, inputs, inputs);
        _outBias = initialiser.Bias(inputs, inputs);
        register_parameter("weight", _weight);
        register_parameter("bias", _bias);
        register_parameter("out_weight", _outWeight);
        register_parameter("out_bias", _outBias);
    }

    internal override bool ReadsWholeWindow => true;

    /// <summary>x [B, T, in] → [B, T, in]. UserException where a state is carried from window to window.</summary>
    public override Tensor Forward(Tensor x, Route route)
    {
        route.DemandWindows(Name);
        (long rows, long steps) = (x.shape[0], x.shape[1]);
        Tensor projected = Products.Linear(x, _weight, _bias);
        Tensor[] heads = projected.view(rows, steps, 3, _heads, _width / _heads).permute(2, 0, 3, 1, 4).unbind(0);
        Tensor seen = nn.functional.scaled_dot_product_attention(heads[0], heads[1], heads[2], is_casual: _causal);
        return Products.Linear(seen.transpose(1, 2).reshape(rows, steps, _width), _outWeight, _outBias);
    }

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        long each = _width / _heads;
        long[] perStep = [-1, _width], scores = [_heads, -1, -1], ofHeads = [_heads, -1, each];
        OnnxValue projected = onnx.Linear(x, _weight, _bias);
        OnnxValue apart = onnx.Add("Reshape", [-1, 3, _heads, each], [projected, onnx.Numbers(0, 0, 3, _heads, each)]);
        OnnxValue turned = onnx.Add("Transpose", ofHeads, [apart], ("perm", new[] { 2L, 0L, 3L, 1L, 4L }));
        OnnxValue Part(long index) => onnx.Add("Gather", ofHeads, [turned, onnx.Table([index])], ("axis", 0L));
        OnnxValue keys = onnx.Add("Transpose", [_heads, each, -1], [Part(1)], ("perm", new[] { 0L, 1L, 3L, 2L }));
        OnnxValue alike = onnx.Two("Mul", onnx.Add("MatMul", scores, [Part(0), keys]), onnx.Reals([(float)(1 / Math.Sqrt(each))], 1));
        if (_causal)
        {
            OnnxValue places = onnx.Places(x);
            OnnxValue own = onnx.Add("Unsqueeze", [], [places, onnx.Numbers(1)]);
            OnnxValue isLater = onnx.Add("Less", [], [own, places]);
            alike = onnx.Add("Where", scores, [isLater, onnx.Reals([float.NegativeInfinity], 1), alike]);
        }

        OnnxValue seen = onnx.Add("MatMul", ofHeads, [onnx.Each("Softmax", alike, ("axis", -1L)), Part(2)]);
        OnnxValue steps = onnx.Add("Transpose", [-1, _heads, each], [seen], ("perm", new[] { 0L, 2L, 1L, 3L }));
        return onnx.Linear(onnx.Add("Reshape", perStep, [steps, onnx.Numbers(0, 0, _width)]), _outWeight, _outBias);
    }
}
