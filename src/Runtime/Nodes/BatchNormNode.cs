using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// Over the batch, per feature of [B, n] and [B, T, n] (all B·T steps are rows) or per channel of [B, C, H, W]:
/// (x − mean) / √(variance + 1e-5), then a learned scale and shift. In training mean and variance are the minibatch's, and
/// the running averages move a tenth of the way towards them (the variance's with divisor n − 1); in evaluation, E-steps
/// included, they are the running averages.
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

    /// <summary>weight and bias [features]; buffers running_mean and running_var [features], which begin at 0 and 1.</summary>
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

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) =>
        x.dim() == 3 ? Normalise(x.flatten(0, 1)).view(x.shape) : Normalise(x);

    private Tensor Normalise(Tensor rows)
    {
        // One value per feature has no variance: it would leave NaN in the running average for good.
        bool several = rows.numel() > _weight.shape[0];
        return nn.functional.batch_norm(
            rows, _runningMean, _runningVariance, _weight, _bias, training && several, momentum: 0.1, eps: 1e-5);
    }
}
