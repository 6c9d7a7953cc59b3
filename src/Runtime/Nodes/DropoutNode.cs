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

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route)
    {
        if (!training || _rate == 0)
        {
            return x;
        }

        double kept = 1 - _rate;
        Tensor mask = empty(x.shape, x.dtype, CPU).bernoulli_(kept, _generator).to(x.device);
        return x * (mask / kept);
    }

    internal override RowValue ToRows(RowPlan plan, RowValue x) => x;

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) => x;
}
