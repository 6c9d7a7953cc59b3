using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>p(y|features): the last part of a graph.</summary>
public abstract class Head(string kind) : nn.Module(kind)
{
    /// <summary>log p(y|features), summed over all outputs of a datapoint: features [B, …], targets [B, …] → [B].</summary>
    public abstract Tensor LogLikelihood(Tensor features, Tensor targets);

    /// <summary>The batch mean of <see cref="LogLikelihood"/> → scalar; what an M-step maximises.</summary>
    public Tensor MeanLogLikelihood(Tensor features, Tensor targets) => MeanAndEach(features, targets).Mean;

    /// <summary>
    /// The batch mean of <see cref="LogLikelihood"/> → scalar, with gradient, and every datapoint's → [B], without: cheaper than
    /// each with gradient where only the mean's is wanted.
    /// </summary>
    public virtual (Tensor Mean, Tensor Each) MeanAndEach(Tensor features, Tensor targets)
    {
        Tensor each = LogLikelihood(features, targets);
        return (each.mean(), each.detach());
    }

    /// <summary>The mode of p(y|features): class ids, means or most probable bits, in the shape of the targets.</summary>
    public abstract Tensor Predict(Tensor features);

    /// <summary>Nothing: what a head holds it registers itself, by names of its choice.</summary>
    protected override void RegisterComponents()
    {
    }
}
