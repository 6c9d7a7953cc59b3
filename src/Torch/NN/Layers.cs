using TorchSharp.Modules;
using Tensor = TorchSharp.torch.Tensor;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static ReLU ReLU(bool inplace = false) => new(inplace);
            public static Tanh Tanh(bool inplace = false) => new(inplace);
            public static Sigmoid Sigmoid(bool inplace = false) => new(inplace);
            public static GELU GELU(bool inplace = false) => new(inplace);
            public static SiLU SiLU(bool inplace = false) => new(inplace);
            public static LeakyReLU LeakyReLU(double negative_slope = 0.01, bool inplace = false) => new(negative_slope, inplace);
            public static Softplus Softplus(double beta = 1.0, double threshold = 20.0) => new(beta, threshold);
            public static Softmax Softmax(long dim) => new(dim);
            public static LogSoftmax LogSoftmax(long dim) => new(dim);
            public static Identity Identity() => new();
            public static Dropout Dropout(double p = 0.5, bool inplace = false) => new(p, inplace);

            /// <summary>Joins the dimensions from start_dim to end_dim; by default all but the batch.</summary>
            public static Flatten Flatten(long start_dim = 1, long end_dim = -1) => new(start_dim, end_dim);

            public static MaxPool2d MaxPool2d(long kernelSize, long? stride = null, long? padding = null, long? dilation = null, bool ceilMode = false) =>
                new(kernelSize, stride, padding, dilation, ceilMode);

            public static AvgPool2d AvgPool2d(
                long kernel_size, long? stride = null, long? padding = null, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                new(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override);
        }
    }
}

namespace TorchSharp.Modules
{
    /// <summary>A module without parameters: a function of one tensor.</summary>
    public abstract class ParameterLessModule(string name) : torch.nn.Module<Tensor, Tensor>(name)
    {
        protected override void RegisterComponents()
        {
        }
    }

    public sealed class ReLU(bool inplace) : ParameterLessModule(nameof(ReLU))
    {
        public override Tensor forward(Tensor input) => torch.nn.functional.relu(input, inplace);
    }

    public sealed class Tanh(bool inplace) : ParameterLessModule(nameof(Tanh))
    {
        public override Tensor forward(Tensor input) => torch.nn.functional.tanh(input, inplace);
    }

    public sealed class Sigmoid(bool inplace) : ParameterLessModule(nameof(Sigmoid))
    {
        public override Tensor forward(Tensor input) => torch.nn.functional.sigmoid(input, inplace);
    }

    public sealed class GELU(bool inplace) : ParameterLessModule(nameof(GELU))
    {
        public override Tensor forward(Tensor input) => torch.nn.functional.gelu(input, inplace);
    }

    public sealed class SiLU(bool inplace) : ParameterLessModule(nameof(SiLU))
    {
        public override Tensor forward(Tensor input) => torch.nn.functional.silu(input, inplace);
    }

    public sealed class LeakyReLU(double negative_slope, bool inplace) : ParameterLessModule(nameof(LeakyReLU))
    {
        public override Tensor forward(Tensor input) => torch.nn.functional.leaky_relu(input, negative_slope, inplace);
    }

    public sealed class Softplus(double beta, double threshold) : ParameterLessModule(nameof(Softplus))
    {
        public override Tensor forward(Tensor input) => input.softplus(beta, threshold);
    }

    public sealed class Softmax(long dim) : ParameterLessModule(nameof(Softmax))
    {
        public override Tensor forward(Tensor input) => input.softmax(dim);
    }

    public sealed class LogSoftmax(long dim) : ParameterLessModule(nameof(LogSoftmax))
    {
        public override Tensor forward(Tensor input) => input.log_softmax(dim);
    }

    public sealed class Identity() : ParameterLessModule(nameof(Identity))
    {
        public override Tensor forward(Tensor input) => input.alias();
    }

    public sealed class Dropout(double p, bool inplace) : ParameterLessModule(nameof(Dropout))
    {
        public double p { get; } = p;

        public override Tensor forward(Tensor input) => torch.nn.functional.dropout(input, p, training, inplace);
    }

    public sealed class Flatten(long start_dim, long end_dim) : ParameterLessModule(nameof(Flatten))
    {
        public override Tensor forward(Tensor input) => input.flatten(start_dim, end_dim);
    }

    /// <summary>[B, C, H, W] → [B, C, H', W'].</summary>
    public sealed class MaxPool2d(long kernelSize, long? stride, long? padding, long? dilation, bool ceilMode) : ParameterLessModule(nameof(MaxPool2d))
    {
        public override Tensor forward(Tensor input) => torch.nn.functional.max_pool2d(input, kernelSize, stride, padding, dilation, ceilMode);
    }

    /// <summary>[B, C, H, W] → [B, C, H', W'].</summary>
    public sealed class AvgPool2d(long kernelSize, long? stride, long? padding, bool ceilMode, bool countIncludePad, long? divisor)
        : ParameterLessModule(nameof(AvgPool2d))
    {
        public override Tensor forward(Tensor input) =>
            torch.nn.functional.avg_pool2d(input, kernelSize, stride, padding ?? 0, ceilMode, countIncludePad, divisor);
    }
}
