using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>A linear map followed by a softmax for each of the K positions (paper, section 3).</summary>
public sealed class LinearController : Controller
{
    private readonly Parameter _weight;
    private readonly Parameter _bias;

    /// <summary>weight [K·M, in], bias [K·M]; position k owns rows k·M to (k+1)·M − 1.</summary>
    public LinearController(int inputs, int choose, int modules, Initialiser initialiser)
        : base("controller", choose, modules)
    {
        _weight = initialiser.Uniform(inputs, (long)choose * modules, inputs);
        _bias = initialiser.Uniform(inputs, (long)choose * modules);
        register_parameter("weight", _weight);
        register_parameter("bias", _bias);
    }

    /// <inheritdoc/>
    public override ChoiceDistribution Distribution(Tensor x) =>
        ChoiceDistribution.FromLogits(nn.functional.linear(x, _weight, _bias).view(-1, Choose, Modules));
}
