using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Dropout on x of any shape. In training it sets each value to 0 with probability <c>rate</c> and multiplies the others by 1/(1 − rate).
/// In evaluation, E-steps included, it passes x on.
/// </summary>
public sealed class DropoutNode : Node
{
    private readonly double _rate;
    private readonly Generator _generator;

    /// <summary>
    /// Draws from <paramref name="generator"/>, a generator on the CPU (the run's stream <see cref="RandomStreams.Dropout"/>), so that a
    /// run replays on any device. ArgumentOutOfRangeException unless the rate is in [0, 1).
    /// </summary>
    public DropoutNode(string name, double rate, Generator generator)
        : base(name)
    {
        if (!(rate is >= 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(rate), rate, "a rate in [0, 1)");
        }

        (_rate, _generator) = (rate, generator);
    }

    /// <summary>Whether it changes anything: in training, unless the rate is 0.</summary>
    internal bool Drops => training && _rate != 0;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) => Drops ? x * Factors(x.shape, x.dtype).to(x.device) : x;

    /// <summary>Draws what each value of a tensor of this shape is multiplied with, on the CPU.</summary>
    internal Tensor Factors(long[] shape, ScalarType dtype)
    {
        double kept = 1 - _rate;
        return empty(shape, dtype, CPU).bernoulli_(kept, _generator) / kept;
    }

    internal override RowValue ToRows(RowPlan plan, RowValue x) => x;

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) => x;
}
