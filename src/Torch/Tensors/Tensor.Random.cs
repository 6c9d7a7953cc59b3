using ModNet.Torch;

namespace TorchSharp;

file static class Aten
{
    internal static readonly Op multinomial = new("multinomial");
    internal static readonly Op bernoulli = new("bernoulli");
    internal static readonly Op bernoulli_ = new("bernoulli_.float");
    internal static readonly Op normal_ = new("normal_");
    internal static readonly Op uniform_ = new("uniform_");
    internal static readonly Op exponential_ = new("exponential_");
    internal static readonly Op geometric_ = new("geometric_");
    internal static readonly Op random_ = new("random_.from");
    internal static readonly Op poisson = new("poisson");
}

public static partial class torch
{
    // Random draws; a null generator means the device's global one.
    public partial class Tensor
    {
        /// <summary>Rows of (unnormalised) probabilities → num_samples indices per row.</summary>
        public Tensor multinomial(long num_samples, bool replacement = false, Generator? generator = null) =>
            Aten.multinomial.Call(this, num_samples, replacement, generator);

        /// <summary>0 or 1, each element 1 with its own probability.</summary>
        public Tensor bernoulli(Generator? generator = null) => Aten.bernoulli.Call(this, generator);

        public Tensor bernoulli_(double p = 0.5, Generator? generator = null) => Aten.bernoulli_.InPlace(this, this, p, generator);
        public Tensor normal_(double mean = 0.0, double stddev = 1.0, Generator? generator = null) => Aten.normal_.InPlace(this, this, mean, stddev, generator);
        public Tensor uniform_(double from, double to, Generator? generator = null) => Aten.uniform_.InPlace(this, this, from, to, generator);
        public Tensor exponential_(double lambda = 1.0, Generator? generator = null) => Aten.exponential_.InPlace(this, this, lambda, generator);
        public Tensor geometric_(double p, Generator? generator = null) => Aten.geometric_.InPlace(this, this, p, generator);

        /// <summary>Integers from [low, high).</summary>
        public Tensor random_(long low, long high, Generator? generator = null) => Aten.random_.InPlace(this, this, low, high, generator);

        public Tensor poisson(Generator? generator = null) => Aten.poisson.Call(this, generator);
    }

    public static Tensor multinomial(Tensor input, long num_samples, bool replacement = false, Generator? generator = null) =>
        input.multinomial(num_samples, replacement, generator);

    public static Tensor bernoulli(Tensor input, Generator? generator = null) => input.bernoulli(generator);

    public static Tensor poisson(Tensor input, Generator? generator = null) => input.poisson(generator);
}
