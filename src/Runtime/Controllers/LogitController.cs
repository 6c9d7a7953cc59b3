using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>A controller that ends in a linear map to K·M logits and a softmax for each of the K positions.</summary>
public abstract class LogitController : Controller
{
    [ComponentName(Name = "weight")]
    private protected Parameter _weight;
    [ComponentName(Name = "bias")]
    private protected Parameter _bias;
    [ComponentName(Name = "noise")]
    private protected Parameter? _noise;

    /// <summary>Parameters weight [K·M, features] and bias [K·M]; rows k·M to (k+1)·M − 1 belong to position k.</summary>
    protected LogitController(int features, int choose, int modules, Initialiser initialiser)
        : base(choose, modules)
    {
        long logits = (long)choose * modules;
        _weight = initialiser.Weight(features, logits, logits, features);
        _bias = initialiser.Bias(features, logits);
        register_parameter("weight", _weight);
        register_parameter("bias", _bias);
    }

    /// <summary>The weight of the last linear map, [K·M, features].</summary>
    internal Tensor Weight => _weight;

    internal override IEnumerable<Tensor> PerChoice => _noise is null ? [_weight, _bias] : [_weight, _bias, _noise];

    /// <summary>The bias of the last linear map as it is learned, [K·M].</summary>
    internal Tensor OwnBias => _bias;

    /// <summary>The bias of the last linear map, [K·M], which puts masked modules out of reach.</summary>
    internal Tensor Bias => Masked(_bias);

    /// <summary>W_noise [K·M, features] in training under noisy top-k, else null.</summary>
    internal Tensor? Noise => training ? _noise : null;

    /// <inheritdoc/>
    public override ChoiceDistribution Distribution(Tensor x, Tensor? beside = null)
    {
        Tensor features = Features(x, beside);
        Tensor logits = Products.ToFew(features, _weight, Bias).view(-1, Choose, Modules);
        if (Noise is not Tensor noise)
        {
            return ChoiceDistribution.FromLogits(logits);
        }

        Tensor scale = nn.functional.softplus(Products.Linear(features, noise));
        return ChoiceDistribution.FromLogits(logits, scale.view(-1, Choose, Modules));
    }

    /// <summary>Adds the parameter noise [K·M, features], which begins at zero.</summary>
    internal override void AddNoise()
    {
        if (_noise is not null)
        {
            return;
        }

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        _noise = new Parameter(zeros_like(_weight));
        _noise.DetachFromDisposeScope();
        register_parameter("noise", _noise);
    }

    /// <summary>What the last linear map reads: x [n, …in] → [n, features].</summary>
    protected abstract Tensor Features(Tensor x, Tensor? beside);

    internal override OnnxValue ChosenOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? beside) =>
        onnx.Choose(onnx.Reshape(onnx.Linear(FeaturesOnnx(onnx, x, beside), _weight, Bias), Choose, Modules));

    /// <summary>Adds the logits of vectors x, where the features can be had without libtorch's tensors.</summary>
    internal sealed override RowValue ToRows(RowPlan plan, RowValue x)
    {
        using var scope = NewDisposeScope();
        return plan.Linear(FeaturesRows(plan, x), _weight, Bias, Activation.Identity);
    }

    /// <summary>What the last linear map reads, in a <see cref="Predictor"/>.</summary>
    private protected virtual RowValue FeaturesRows(RowPlan plan, RowValue x) => throw plan.Refusal($"a {GetType().Name}");

    /// <summary>What the last linear map reads, in an ONNX graph.</summary>
    private protected virtual OnnxValue FeaturesOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? beside) => throw onnx.Refusal("a controller of its own");
}
