using TorchSharp.Modules;
using Tensor = TorchSharp.torch.Tensor;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            /// <summary>A 2-D convolution with PyTorch's initialisation.</summary>
            public static Conv2d Conv2d(
                long in_channels, long out_channels, long kernel_size, long stride = 1, long padding = 0, long dilation = 1,
                PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true, Device? device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, (kernel_size, kernel_size), (stride, stride), (padding, padding), (dilation, dilation),
                    padding_mode, groups, bias, device, dtype);

            public static Conv2d Conv2d(
                long in_channels, long out_channels, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null,
                (long, long)? dilation = null, PaddingModes padding_mode = PaddingModes.Zeros, long groups = 1, bool bias = true,
                Device? device = null, ScalarType? dtype = null) =>
                new(in_channels, out_channels, kernel_size, stride ?? (1, 1), padding ?? (0, 0), dilation ?? (1, 1), padding_mode, groups, bias, device, dtype);
        }
    }
}

namespace TorchSharp.Modules
{
    /// <summary>[B, in, H, W] → [B, out, H', W'].</summary>
    public sealed class Conv2d : torch.nn.Module<Tensor, Tensor>
    {
        private readonly long[] stride;
        private readonly long[] padding;
        private readonly long[] dilation;
        private readonly long groups;

        internal Conv2d(
            long inputs, long outputs, (long H, long W) kernel, (long, long) stride, (long, long) padding, (long, long) dilation,
            torch.PaddingModes mode, long groups, bool hasBias, torch.Device? device, torch.ScalarType? dtype) : base(nameof(Conv2d))
        {
            if (mode != torch.PaddingModes.Zeros)
                throw new NotSupportedException($"Conv2d: padding mode {mode} – expected Zeros.");
            this.stride = [stride.Item1, stride.Item2];
            this.padding = [padding.Item1, padding.Item2];
            this.dilation = [dilation.Item1, dilation.Item2];
            this.groups = groups;
            weight = new Parameter(torch.empty([outputs, inputs / groups, kernel.H, kernel.W], dtype, device));
            torch.nn.init.kaiming_uniform_(weight, Math.Sqrt(5));
            register_parameter(nameof(weight), weight);
            if (!hasBias)
                return;
            var (fan, _) = torch.nn.init.CalculateFanInAndFanOut(weight);
            bias = new Parameter(torch.empty([outputs], dtype, device));
            torch.nn.init.uniform_(bias, -1 / Math.Sqrt(fan), 1 / Math.Sqrt(fan));
            register_parameter(nameof(bias), bias);
        }

        public Parameter weight { get; }

        public Parameter? bias { get; }

        public override Tensor forward(Tensor input) => torch.nn.functional.conv2d(input, weight, bias, stride, padding, dilation, groups);

        protected override void RegisterComponents()
        {
        }
    }
}
