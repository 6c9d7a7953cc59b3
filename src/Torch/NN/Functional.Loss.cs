using ModNet.Torch;

namespace TorchSharp;

file static class Aten
{
    internal static readonly Op cross_entropy = new("cross_entropy_loss");
    internal static readonly Op nll = new("nll_loss_nd");
    internal static readonly Op mse = new("mse_loss");
    internal static readonly Op l1 = new("l1_loss");
    internal static readonly Op smooth_l1 = new("smooth_l1_loss");
    internal static readonly Op huber = new("huber_loss");
    internal static readonly Op bce = new("binary_cross_entropy");
    internal static readonly Op bce_logits = new("binary_cross_entropy_with_logits");
    internal static readonly Op kl = new("kl_div");
}

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>What becomes of a loss per element.</summary>
        public enum Reduction : long
        {
            None = 0,
            Mean = 1,
            Sum = 2,
        }

        // Losses; with Reduction.None per element, else a scalar.
        public static partial class functional
        {
            /// <summary>Logits [N, C] and classes [N] (or probabilities [N, C]).</summary>
            public static Tensor cross_entropy(
                Tensor input, Tensor target, Tensor? weight = null, long ignore_index = -100, Reduction reduction = Reduction.Mean,
                double label_smoothing = 0.0) =>
                Aten.cross_entropy.Call(input, target, weight, (long)reduction, ignore_index, label_smoothing);

            /// <summary>Log-probabilities [N, C] and classes [N].</summary>
            public static Tensor nll_loss(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean) =>
                Aten.nll.Call(input, target, weight, (long)reduction);

            public static Tensor mse_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) => Aten.mse.Call(input, target, (long)reduction);

            public static Tensor l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) => Aten.l1.Call(input, target, (long)reduction);

            public static Tensor smooth_l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean, double beta = 1.0) =>
                Aten.smooth_l1.Call(input, target, (long)reduction, beta);

            public static Tensor huber_loss(Tensor input, Tensor target, double delta = 1.0, Reduction reduction = Reduction.Mean) =>
                Aten.huber.Call(input, target, (long)reduction, delta);

            /// <summary>Probabilities and targets in [0, 1].</summary>
            public static Tensor binary_cross_entropy(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean) =>
                Aten.bce.Call(input, target, weight, (long)reduction);

            /// <summary>Logits, and targets in [0, 1].</summary>
            public static Tensor binary_cross_entropy_with_logits(
                Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean, Tensor? pos_weights = null) =>
                Aten.bce_logits.Call(input, target, weight, pos_weights, (long)reduction);

            public static Tensor kl_div(Tensor input, Tensor target, bool log_target = true, Reduction reduction = Reduction.Mean) =>
                Aten.kl.Call(input, target, (long)reduction, log_target);
        }
    }
}
