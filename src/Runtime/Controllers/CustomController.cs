using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A controller of the user's own: a module x [n, …in] → logits [n, K·M], position by position, and a softmax for each position. The module
/// is registered as <c>module</c>.
/// </summary>
public sealed class CustomController : Controller
{
    private readonly nn.Module<Tensor, Tensor> _module;

    /// <summary>Takes the module over.</summary>
    public CustomController(nn.Module<Tensor, Tensor> module, int choose, int modules)
        : base(choose, modules)
    {
        _module = module;
        register_module("module", module);
    }

    /// <summary>The distribution [n, K, M]. UserException where the module does not give [n, K·M].</summary>
    public override ChoiceDistribution Distribution(Tensor x, Tensor? beside = null)
    {
        Tensor logits = _module.call(x);
        long[] expected = [x.shape[0], (long)Choose * Modules];
        if (!logits.shape.SequenceEqual(expected))
        {
            throw new UserException(
                $"{Layer}/controller",
                $"logits {expected.AsShape()} for K = {Choose} positions over M = {Modules} modules",
                logits.shape.AsShape(),
                "give M logits for each position, one position after the other");
        }

        return ChoiceDistribution.FromLogits(Masked(logits.view(-1, Choose, Modules)));
    }
}
