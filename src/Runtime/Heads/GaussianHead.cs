using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>N(y | features, σ²·I). σ² is given, or learned as one parameter; it weighs log p(y|x, a) against log p(a|x) in Eq. 11.</summary>
public sealed class GaussianHead : Head
{
    private readonly Tensor? _given;
    [ComponentName(Name = "log_variance")]
    private Parameter? _logVariance;

    /// <summary>σ² starts at <paramref name="variance"/>, and stays there unless it is learned. ArgumentOutOfRangeException unless it is positive and finite.</summary>
    public GaussianHead(double variance, bool learned, Initialiser initialiser)
        : base("gaussian")
    {
        if (!(variance > 0) || double.IsInfinity(variance))
        {
            throw new ArgumentOutOfRangeException(nameof(variance), variance, "a positive, finite variance");
        }

        if (learned)
        {
            _logVariance = initialiser.Constant(Math.Log(variance), 1);
            register_parameter("log_variance", _logVariance);
        }
        else
        {
            _given = full([1], Math.Log(variance), initialiser.DType, initialiser.Device).DetachFromDisposeScope();
        }
    }

    /// <summary>log σ², [1].</summary>
    public Tensor LogVariance => _logVariance ?? _given!;

    /// <summary>log p(y|features) = −½ Σ_d ((y − μ)²/σ² + log 2πσ²) of features and targets [B, D] → [B], in nats.</summary>
    public override Tensor LogLikelihood(Tensor features, Tensor targets)
    {
        Tensor scaled = (targets - features).pow(2) * (-LogVariance).exp();
        return (scaled + LogVariance + Math.Log(2 * Math.PI)).flatten(1).sum(1) * -0.5;
    }

    /// <inheritdoc/>
    public override Tensor Predict(Tensor features) => features;

    internal override RowValue ToRows(RowPlan plan, RowValue features) => features;

    internal override void ToOnnx(OnnxGraph onnx, OnnxValue features) => onnx.Output("mean", Onnx.TensorProto.Types.DataType.Float, features);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _given?.Dispose();
        }

        base.Dispose(disposing);
    }
}
