using TorchSharp.Modules;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            /// <summary>y = x·Wᵀ + b with PyTorch's initialisation.</summary>
            public static Linear Linear(long inputSize, long outputSize, bool hasBias = true, Device? device = null, ScalarType? dtype = null) =>
                new(inputSize, outputSize, hasBias, device, dtype);

            public static Linear Linear(Parameter weight, Parameter? bias = null) => new(weight, bias);

            /// <summary>A table of vectors, one per index; initialised from N(0, 1).</summary>
            public static Embedding Embedding(
                long num_embeddings, long embedding_dims, long? padding_idx = null, double? max_norm = null, double norm_type = 2.0,
                bool scale_grad_by_freq = false, bool sparse = false, Device? device = null, ScalarType? dtype = null) =>
                new(num_embeddings, embedding_dims, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, device, dtype);
        }
    }
}

namespace TorchSharp.Modules
{
    /// <summary>[*, in] → [*, out].</summary>
    public sealed class Linear : torch.nn.Module<torch.Tensor, torch.Tensor>
    {
        internal Linear(long inputSize, long outputSize, bool hasBias, torch.Device? device, torch.ScalarType? dtype) : base(nameof(Linear))
        {
            weight = new Parameter(torch.empty([outputSize, inputSize], dtype, device));
            torch.nn.init.kaiming_uniform_(weight, Math.Sqrt(5));
            register_parameter(nameof(weight), weight);
            if (!hasBias)
                return;
            var bound = 1 / Math.Sqrt(Math.Max(1, inputSize));
            bias = new Parameter(torch.empty([outputSize], dtype, device));
            torch.nn.init.uniform_(bias, -bound, bound);
            register_parameter(nameof(bias), bias);
        }

        internal Linear(Parameter weight, Parameter? bias) : base(nameof(Linear))
        {
            this.weight = weight;
            register_parameter(nameof(weight), weight);
            this.bias = bias;
            if (bias is not null)
                register_parameter(nameof(bias), bias);
        }

        public Parameter weight { get; }

        public Parameter? bias { get; }

        public long in_features => weight.shape[1];

        public long out_features => weight.shape[0];

        public override torch.Tensor forward(torch.Tensor input) => torch.nn.functional.linear(input, weight, bias);

        protected override void RegisterComponents()
        {
        }
    }

    /// <summary>Indices [*] → [*, embedding_dims].</summary>
    public sealed class Embedding : torch.nn.Module<torch.Tensor, torch.Tensor>
    {
        private readonly long? padding;
        private readonly double? maxNorm;
        private readonly double normType;
        private readonly bool scaleByFrequency;
        private readonly bool sparse;

        internal Embedding(
            long count, long dims, long? padding, double? maxNorm, double normType, bool scaleByFrequency, bool sparse,
            torch.Device? device, torch.ScalarType? dtype) : base(nameof(Embedding))
        {
            (this.padding, this.maxNorm, this.normType) = (padding, maxNorm, normType);
            (this.scaleByFrequency, this.sparse) = (scaleByFrequency, sparse);
            weight = new Parameter(torch.empty([count, dims], dtype, device));
            torch.nn.init.normal_(weight);
            if (padding is { } row)
                using (torch.no_grad())
                using (var unused = weight.select(0, row))
                    unused.zero_();
            register_parameter(nameof(weight), weight);
        }

        public Parameter weight { get; }

        public override torch.Tensor forward(torch.Tensor input) =>
            torch.nn.functional.embedding(input, weight, padding, maxNorm, normType, scaleByFrequency, sparse);

        protected override void RegisterComponents()
        {
        }
    }
}
