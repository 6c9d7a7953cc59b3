using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>A number that is known, or that an accelerator is still at work on.</summary>
/// <example><code>double mean = new LateNumber(0.5).Value;</code></example>
public sealed class LateNumber
{
    private readonly Func<double> _value;

    /// <summary>A number that is known.</summary>
    public LateNumber(double value) => _value = () => value;

    /// <summary>The value of a scalar tensor, which has to live as long as it is asked for.</summary>
    internal LateNumber(Tensor scalar)
    {
        _value = () => FromDevice.Number(scalar, Wait.Asked);
        OnDevice = Accelerator.Holds(scalar) ? scalar : null;
    }

    /// <summary>The number. Where an accelerator has it, this waits for it.</summary>
    public double Value => _value();

    /// <summary>The number as a scalar on its accelerator; null where it is on the host.</summary>
    public Tensor? OnDevice { get; }
}
