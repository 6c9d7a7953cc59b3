using ModNet.Torch;

namespace TorchSharp;

file static class Aten
{
    internal static readonly Op linear = new("linear");
    internal static readonly Op embedding = new("embedding");
    internal static readonly Op embedding_renorm_ = new("embedding_renorm_");
    internal static readonly Op one_hot = new("one_hot");
    internal static readonly Op conv1d = new("conv1d");
    internal static readonly Op conv2d = new("conv2d");
    internal static readonly Op max_pool2d = new("max_pool2d");
    internal static readonly Op avg_pool2d = new("avg_pool2d");
    internal static readonly Op adaptive_avg_pool2d = new("adaptive_avg_pool2d");
    internal static readonly Op dropout = new("dropout");
    internal static readonly Op dropout_ = new("dropout_");
    internal static readonly Op layer_norm = new("layer_norm");
    internal static readonly Op batch_norm = new("batch_norm");
    internal static readonly Op pad = new("constant_pad_nd");
    internal static readonly Op cosine_similarity = new("cosine_similarity");
}

public static partial class torch
{
    public static partial class nn
    {
        // Layers as functions of their inputs and weights.
        public static partial class functional
        {
            /// <summary>input [*, in], weights [out, in], bias [out] → [*, out].</summary>
            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null) => Aten.linear.Call(input, weights, bias);

            // TorchSharp has the module only.
            internal static Tensor embedding(
                Tensor input, Tensor weight, long? padding_idx = null, double? max_norm = null, double norm_type = 2.0,
                bool scale_grad_by_freq = false, bool sparse = false)
            {
                if (max_norm is { } norm)
                    using (no_grad())
                        Aten.embedding_renorm_.InPlace(weight, weight, input, norm, norm_type);
                return Aten.embedding.Call(weight, input, padding_idx ?? -1, scale_grad_by_freq, sparse);
            }

            /// <summary>Indices [*] → [*, num_classes].</summary>
            public static Tensor one_hot(Tensor x, long num_classes = -1) => Aten.one_hot.Call(x, num_classes);

            public static Tensor conv1d(
                Tensor input, Tensor weight, Tensor? bias = null, long? stride = null, long? padding = null, long? dilation = null, long groups = 1) =>
                Aten.conv1d.Call(input, weight, bias, stride ?? 1, padding ?? 0, dilation ?? 1, groups);

            public static Tensor conv2d(
                Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? dilation = null, long groups = 1) =>
                Aten.conv2d.Call(input, weight, bias, strides ?? [1, 1], padding ?? [0, 0], dilation ?? [1, 1], groups);

            public static Tensor max_pool2d(
                Tensor input, long[] kernelSize, long[]? strides = null, long[]? padding = null, long[]? dilation = null, bool ceil_mode = false) =>
                Aten.max_pool2d.Call(input, kernelSize, strides ?? kernelSize, padding ?? [0, 0], dilation ?? [1, 1], ceil_mode);

            public static Tensor max_pool2d(
                Tensor input, long kernelSize, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) =>
                Aten.max_pool2d.Call(input, kernelSize, stride ?? kernelSize, padding ?? 0, dilation ?? 1, ceil_mode);

            public static Tensor avg_pool2d(
                Tensor input, long[] kernelSizes, long[]? strides = null, long[]? paddings = null, bool ceil_mode = false,
                bool count_include_pad = true, long? divisor_override = null) =>
                Aten.avg_pool2d.Call(input, kernelSizes, strides ?? kernelSizes, paddings ?? [0, 0], ceil_mode, count_include_pad, divisor_override);

            public static Tensor avg_pool2d(
                Tensor input, long kernelSize, long? stride = null, long padding = 0, bool ceil_mode = false,
                bool count_include_pad = true, long? divisor_override = null) =>
                Aten.avg_pool2d.Call(input, kernelSize, stride ?? kernelSize, padding, ceil_mode, count_include_pad, divisor_override);

            public static Tensor adaptive_avg_pool2d(Tensor input, long[] outputSize) => Aten.adaptive_avg_pool2d.Call(input, outputSize);

            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                inplace ? Aten.dropout_.InPlace(input, input, p, training) : Aten.dropout.Call(input, p, training);

            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor? weight = null, Tensor? bias = null, double eps = 1e-05) =>
                Aten.layer_norm.Call(input, normalized_shape, weight, bias, eps);

            public static Tensor batch_norm(
                Tensor input, Tensor running_mean, Tensor running_var, Tensor? weight = null, Tensor? bias = null,
                bool training = false, double momentum = 0.1, double eps = 1e-5) =>
                Aten.batch_norm.Call(input, weight, bias, running_mean, running_var, training, momentum, eps, true);

            /// <summary>input / max(‖input‖ₚ, eps), along dim.</summary>
            public static Tensor normalize(Tensor input, double p = 2.0, long dim = 1L, double eps = 1e-12, Tensor? output = null)
            {
                var denominator = linalg.vector_norm(input, p, [dim], keepdim: true).clamp_min(eps).expand_as(input);
                var result = input / denominator;
                return output is null ? result : output.copy_(result);
            }

            /// <summary>Pads with a constant; pad gives (before, after) from the last dimension on.</summary>
            public static Tensor pad(Tensor input, long[] pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                mode is PaddingModes.Constant or PaddingModes.Zeros
                    ? Aten.pad.Call(input, pad, value)
                    : throw new NotSupportedException($"pad: mode {mode} – expected Constant or Zeros.");

            public static Tensor cosine_similarity(Tensor x1, Tensor x2, long dim = 1, double eps = 1e-8) =>
                Aten.cosine_similarity.Call(x1, x2, dim, eps);
        }
    }

    public enum PaddingModes
    {
        Zeros = 0,
        Reflect = 1,
        Replicate = 2,
        Circular = 3,
        Constant = 4,
    }
}
