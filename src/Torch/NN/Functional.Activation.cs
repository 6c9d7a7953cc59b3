using ModNet.Torch;

namespace TorchSharp;

file static class Aten
{
    internal static readonly Op softplus = new("softplus");
    internal static readonly Op leaky_relu = new("leaky_relu");
    internal static readonly Op elu = new("elu");
    internal static readonly Op gelu = new("gelu");
    internal static readonly Op silu = new("silu");
    internal static readonly Op log_sigmoid = new("log_sigmoid");
    internal static readonly Op hardtanh = new("hardtanh");
}

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor softplus(double beta = 1, double threshold = 20) => Aten.softplus.Call(this, beta, threshold);
        public Tensor leaky_relu(Scalar negative_slope) => Aten.leaky_relu.Call(this, negative_slope);
        public Tensor elu(double alpha = 1) => Aten.elu.Call(this, alpha);
        public Tensor gelu() => Aten.gelu.Call(this);
        public Tensor silu() => Aten.silu.Call(this);
        public Tensor log_sigmoid() => Aten.log_sigmoid.Call(this);
    }

    public static partial class nn
    {
        // Activations; the shape stays.
        public static partial class functional
        {
            public static Tensor relu(Tensor x, bool inplace = false) => inplace ? x.relu_() : x.relu();
            public static Tensor sigmoid(Tensor x, bool inplace = false) => inplace ? x.sigmoid_() : x.sigmoid();
            public static Tensor tanh(Tensor x, bool inplace = false) => inplace ? x.tanh_() : x.tanh();
            public static Tensor softplus(Tensor x, double beta = 1.0, double threshold = 20.0) => x.softplus(beta, threshold);
            public static Tensor leaky_relu(Tensor input, double negative_slope = 0.01, bool inplace = false) =>
                inplace ? input.copy_(input.leaky_relu(negative_slope)) : input.leaky_relu(negative_slope);
            public static Tensor elu(Tensor x, double alpha = 1.0, bool inplace = false) => inplace ? x.copy_(x.elu(alpha)) : x.elu(alpha);
            public static Tensor gelu(Tensor x, bool inplace = false) => inplace ? x.copy_(x.gelu()) : x.gelu();
            public static Tensor silu(Tensor x, bool inplace = false) => inplace ? x.copy_(x.silu()) : x.silu();
            public static Tensor logsigmoid(Tensor input) => input.log_sigmoid();
            public static Tensor hardtanh(Tensor x, double min_val = -1.0, double max_val = 1.0, bool inplace = false) =>
                inplace ? x.clamp_(min_val, max_val) : Aten.hardtanh.Call(x, min_val, max_val);
            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);
            public static Tensor log_softmax(Tensor input, long dim, ScalarType? dtype = null) => input.log_softmax(dim, dtype);

            /// <summary>A sample of the Gumbel-softmax distribution; hard: one-hot forward, soft gradient.</summary>
            public static Tensor gumbel_softmax(Tensor logits, double tau = 1.0, bool hard = false, long dim = -1)
            {
                var gumbels = logits.empty_like().exponential_().log().neg();
                var soft = ((logits + gumbels) / tau).softmax(dim);
                if (!hard)
                    return soft;
                var index = soft.argmax(dim, keepdim: true);
                var oneHot = logits.zeros_like().scatter_(dim, index, 1.0);
                return oneHot - soft.detach() + soft;
            }
        }
    }
}
