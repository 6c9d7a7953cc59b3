using TorchSharp.Modules;
using Tensor = TorchSharp.torch.Tensor;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            /// <summary>Normalises over the last dimensions, normalized_shape.</summary>
            public static LayerNorm LayerNorm(
                long[] normalized_shape, double eps = 1e-05, bool elementwise_affine = true, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new(normalized_shape, eps, elementwise_affine, bias, device, dtype);

            public static LayerNorm LayerNorm(
                long normalized_shape, double eps = 1e-05, bool elementwise_affine = true, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new([normalized_shape], eps, elementwise_affine, bias, device, dtype);

            public static BatchNorm1d BatchNorm1d(
                long features, double eps = 1e-05, double momentum = 0.1, bool affine = true, bool track_running_stats = true, Device? device = null, ScalarType? dtype = null) =>
                new(features, eps, momentum, affine, track_running_stats, device, dtype);

            public static BatchNorm2d BatchNorm2d(
                long features, double eps = 1e-05, double momentum = 0.1, bool affine = true, bool track_running_stats = true, Device? device = null, ScalarType? dtype = null) =>
                new(features, eps, momentum, affine, track_running_stats, device, dtype);
        }
    }
}

namespace TorchSharp.Modules
{
    /// <summary>(x − mean) / √(variance + eps) · weight + bias, over the last dimensions.</summary>
    public sealed class LayerNorm : torch.nn.Module<Tensor, Tensor>
    {
        private readonly long[] normalizedShape;
        private readonly double eps;

        internal LayerNorm(long[] shape, double eps, bool affine, bool hasBias, torch.Device? device, torch.ScalarType? dtype) : base(nameof(LayerNorm))
        {
            normalizedShape = shape;
            this.eps = eps;
            if (!affine)
                return;
            weight = new Parameter(torch.ones(shape, dtype, device));
            register_parameter(nameof(weight), weight);
            if (!hasBias)
                return;
            bias = new Parameter(torch.zeros(shape, dtype, device));
            register_parameter(nameof(bias), bias);
        }

        public Parameter? weight { get; }

        public Parameter? bias { get; }

        public override Tensor forward(Tensor tensor) => torch.nn.functional.layer_norm(tensor, normalizedShape, weight, bias, eps);

        protected override void RegisterComponents()
        {
        }
    }

    /// <summary>Normalises each feature by the batch's statistics, in evaluation by running averages of them.</summary>
    public abstract class BatchNorm : torch.nn.Module<Tensor, Tensor>
    {
        private readonly double eps;
        private readonly double momentum;

        private protected BatchNorm(
            string name, long features, double eps, double momentum, bool affine, bool track, torch.Device? device, torch.ScalarType? dtype) : base(name)
        {
            (this.eps, this.momentum) = (eps, momentum);
            if (affine)
            {
                weight = new Parameter(torch.ones([features], dtype, device));
                register_parameter(nameof(weight), weight);
                bias = new Parameter(torch.zeros([features], dtype, device));
                register_parameter(nameof(bias), bias);
            }
            if (!track)
                return;
            register_buffer(nameof(running_mean), torch.zeros([features], dtype, device));
            register_buffer(nameof(running_var), torch.ones([features], dtype, device));
            register_buffer(nameof(num_batches_tracked), torch.zeros([], torch.int64, device));
        }

        public Parameter? weight { get; }

        public Parameter? bias { get; }

        public Tensor? running_mean => get_buffer(nameof(running_mean));

        public Tensor? running_var => get_buffer(nameof(running_var));

        public Tensor? num_batches_tracked => get_buffer(nameof(num_batches_tracked));

        public override Tensor forward(Tensor input)
        {
            if (training)
                num_batches_tracked?.add_(1);
            var (mean, variance) = (running_mean, running_var);
            return torch.nn.functional.batch_norm(input, mean!, variance!, weight, bias, training || mean is null, momentum, eps);
        }

        protected override void RegisterComponents()
        {
        }
    }

    /// <summary>[B, C] or [B, C, L].</summary>
    public sealed class BatchNorm1d : BatchNorm
    {
        internal BatchNorm1d(long features, double eps, double momentum, bool affine, bool track, torch.Device? device, torch.ScalarType? dtype)
            : base(nameof(BatchNorm1d), features, eps, momentum, affine, track, device, dtype)
        {
        }
    }

    /// <summary>[B, C, H, W].</summary>
    public sealed class BatchNorm2d : BatchNorm
    {
        internal BatchNorm2d(long features, double eps, double momentum, bool affine, bool track, torch.Device? device, torch.ScalarType? dtype)
            : base(nameof(BatchNorm2d), features, eps, momentum, affine, track, device, dtype)
        {
        }
    }
}
