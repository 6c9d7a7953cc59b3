using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// Batch normalisation: (x − mean) / √(variance + 1e-5), then a learned scale and shift, for each feature of [B, n] and [B, T, n] (all B·T
/// steps are rows) or each channel of [B, C, H, W]. Training takes the minibatch's mean and variance, and moves the running averages a
/// tenth of the way towards them (towards the variance with divisor n − 1). Evaluation, E-steps included, takes the running averages.
/// </summary>
public sealed class BatchNormNode : Node
{
    [ComponentName(Name = "weight")]
    private Parameter _weight;
    [ComponentName(Name = "bias")]
    private Parameter _bias;
    [ComponentName(Name = "running_mean")]
    private Tensor _runningMean;
    [ComponentName(Name = "running_var")]
    private Tensor _runningVariance;

    /// <summary>Parameters weight and bias [features], which begin at 1 and 0; buffers running_mean and running_var [features], which begin at 0 and 1.</summary>
    public BatchNormNode(string name, int features, Initialiser initialiser)
        : base(name)
    {
        _weight = initialiser.Constant(1, features);
        _bias = initialiser.Constant(0, features);
        _runningMean = zeros([features], initialiser.DType, initialiser.Device);
        _runningVariance = ones([features], initialiser.DType, initialiser.Device);
        register_parameter("weight", _weight);
        register_parameter("bias", _bias);
        register_buffer("running_mean", _runningMean);
        register_buffer("running_var", _runningVariance);
    }

    /// <summary>Whether the running averages stay as they are, and training normalises by them too (<see cref="Freezing"/>).</summary>
    internal bool Frozen { get; set; }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) =>
        x.dim() == 3 ? Normalise(x.flatten(0, 1)).view(x.shape) : Normalise(x);

    internal override RowValue ToRows(RowPlan plan, RowValue x)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor scale = _weight / (_runningVariance + 1e-5).sqrt();
        return plan.Scale(x, scale, _bias - _runningMean * scale);
    }

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        // Channels stand before the places of an image; other features come last.
        Tensor Spread(Tensor values) => x.Rank == 4 ? values.view(-1, 1, 1) : values;
        string form = x.Rank == 4 ? "/of_channels" : "";
        OnnxValue scale = onnx.Weight(_weight, "scale", form, w => Spread(w / (_runningVariance + 1e-5).sqrt()));
        OnnxValue centred = onnx.Two("Sub", x, onnx.Weight(_runningMean, "mean", form, Spread));
        return onnx.Two("Add", onnx.Two("Mul", centred, scale), onnx.Weight(_bias, "bias", form, Spread));
    }

    private Tensor Normalise(Tensor rows)
    {
        // A single value per feature has no variance, and would make the running average NaN for good.
        bool several = rows.numel() > _weight.shape[0];
        return Operators.BatchNorm(
            rows, _runningMean, _runningVariance, _weight, _bias, training && !Frozen && several, momentum: 0.1, eps: 1e-5);
    }
}
