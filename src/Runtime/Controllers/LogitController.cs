using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>A controller that ends in a linear map to K·M logits and a softmax for each of the K positions.</summary>
public abstract class LogitController : Controller
{
    private readonly Parameter _weight;
    private readonly Parameter _bias;

    /// <summary>weight [K·M, features], bias [K·M]; position k owns rows k·M to (k+1)·M − 1.</summary>
    protected LogitController(int features, int choose, int modules, Initialiser initialiser)
        : base(choose, modules)
    {
        long logits = (long)choose * modules;
        _weight = initialiser.Weight(features, logits, logits, features);
        _bias = initialiser.Bias(features, logits);
        register_parameter("weight", _weight);
        register_parameter("bias", _bias);
    }

    /// <inheritdoc/>
    public override ChoiceDistribution Distribution(Tensor x, Tensor? beside = null)
    {
        Tensor logits = nn.functional.linear(Features(x, beside), _weight, _bias);
        return ChoiceDistribution.FromLogits(logits.view(-1, Choose, Modules));
    }

    /// <summary>What the linear map reads: x [n, …in] → [n, features].</summary>
    protected abstract Tensor Features(Tensor x, Tensor? beside);

    /// <summary>Rows of any shape as vectors: [n, …] → [n, in].</summary>
    protected static Tensor Vectors(Tensor x) => x.dim() == 2 ? x : x.flatten(1);
}
