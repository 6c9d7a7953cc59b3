using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Which optimiser takes the gradient steps, and its numbers.</summary>
/// <param name="Rate">The learning rate that a schedule starts from.</param>
public abstract record OptimizerKind(double Rate)
{
    // Adam's and AdamW's, as those who made them say. They are given always: the default of beta2 is 0.99 in some versions of this API.
    internal const double Beta1 = 0.9;
    internal const double Beta2 = 0.999;
    internal const double Epsilon = 1e-8;

    /// <summary>An optimiser of this kind over some parameters.</summary>
    internal abstract OptimizerHelper Over(IEnumerable<Parameter> parameters);
}

/// <summary>Adam (Kingma and Ba), β = (0.9, 0.999), ε = 1e-8.</summary>
public sealed record AdamKind(double Rate = 1e-3) : OptimizerKind(Rate)
{
    internal override OptimizerHelper Over(IEnumerable<Parameter> parameters) =>
        optim.Adam(parameters, Rate, beta1: Beta1, beta2: Beta2, eps: Epsilon);
}

/// <summary>AdamW (Loshchilov and Hutter): Adam, and every step first takes rate · decay of each parameter away.</summary>
public sealed record AdamWKind(double Rate, double Decay) : OptimizerKind(Rate)
{
    internal override OptimizerHelper Over(IEnumerable<Parameter> parameters) =>
        optim.AdamW(parameters, Rate, beta1: Beta1, beta2: Beta2, eps: Epsilon, weight_decay: Decay);
}

/// <summary>Gradient descent with momentum: v ← momentum · v + gradient, θ ← θ − rate · v.</summary>
public sealed record SgdKind(double Rate, double Momentum) : OptimizerKind(Rate)
{
    internal override OptimizerHelper Over(IEnumerable<Parameter> parameters) =>
        optim.SGD(parameters, Rate, momentum: Momentum);
}
