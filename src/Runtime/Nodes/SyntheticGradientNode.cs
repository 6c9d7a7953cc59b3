using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A boundary at which a small network g predicts the gradient: what is before it is trained by s_n = g(x_n) in the place of δ_n, the gradient of datapoint n's loss in x_n, and g by the mean
/// of ‖s_n − δ_n‖² (Jaderberg et al., Decoupled Neural Interfaces using Synthetic Gradients, 2017, section 2). δ comes from what is after it up to the next boundary, so there it is itself made of
/// synthetic gradients.
/// </summary>
/// <remarks>
/// One backward pass does all of it. With x' = x without gradient, what is after the boundary reads x' + 2(s' − s), which is x', so that the gradient Σ_n δ_n / B reaches g as −2 δ_n / B; two
/// terms of value zero, (1/B) Σ_n ⟨s'_n, x_n⟩ and (1/B) Σ_n ‖s_n‖², are added to the loss and do the rest. With weights, 1/B is w_n / Σ w.
/// </remarks>
public sealed class SyntheticGradientNode : BoundaryNode
{
    private readonly Func<Tensor, Tensor?, Tensor> _gradient;
    private readonly bool _readsTargets;

    /// <summary>
    /// A boundary whose g is a chain of linear maps with ReLU to these widths, then one to as many numbers as x has, whose weights begin as zeros: at first nothing before it is trained. Of a sequence [B, T, n] every
    /// step is read by itself; of an image [B, C, H, W] all values.
    /// </summary>
    /// <param name="name">The node's name.</param>
    /// <param name="values">How many numbers g reads and gives: those of a datapoint, of a sequence those of a step.</param>
    /// <param name="hidden">Widths, each at least 1; none for a linear g.</param>
    /// <param name="targets">How g reads the targets beside x; null where it does not.</param>
    /// <param name="initialiser">Makes the parameters.</param>
    public SyntheticGradientNode(string name, int values, IReadOnlyList<int> hidden, TargetFeatures? targets, Initialiser initialiser)
        : base(name, Layers(name, values, hidden, targets, initialiser))
    {
        _readsTargets = targets is not null;
        _gradient = (x, read) => Inside.Aggregate(
            targets is null ? x : Operators.Join([x, targets.Of(read!, x)], -1), (value, node) => node.Forward(value, Route.NoChoice()));
    }

    /// <summary>A boundary with any function in the place of g: x [B, …] and the targets → gradients like x, a datapoint's each.</summary>
    internal SyntheticGradientNode(string name, Func<Tensor, Tensor?, Tensor> gradient)
        : base(name, []) =>
        (_gradient, _readsTargets) = (gradient, true);

    private protected override Tensor Cut(Tensor x, Route route)
    {
        Tensor closed = x.detach();
        Tensor flat = closed.dim() == 4 ? closed.flatten(1) : closed;
        Tensor s = _gradient(flat, _readsTargets ? route.DemandTargets(Name) : null).reshape(closed.shape);
        Tensor constant = s.detach();
        Tensor square = s.square();
        Tensor terms = constant * (x - closed) + (square - square.detach());
        route.Tape.Penalise(Weighting.Mean(terms.flatten(1).sum(1), route.Weights));
        return closed + 2.0 * (constant - s);
    }

    private static Node[] Layers(string name, int values, IReadOnlyList<int> hidden, TargetFeatures? targets, Initialiser initialiser)
    {
        int[] widths = [values + (targets?.Width ?? 0), .. hidden, values];
        Node[] layers =
        [
            .. Enumerable.Range(0, widths.Length - 1).Select(i => new LinearNode(
                $"{name}/{i + 1}", widths[i], widths[i + 1], i < hidden.Count ? Activation.Relu : Activation.Identity, true, initialiser)),
        ];
        using var noGrad = no_grad();
        foreach (var parameter in layers[^1].parameters())
        {
            parameter.zero_();
        }

        return layers;
    }
}
