using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Datapoints that a network is asked about, as they are outside: columns that are not standardised, pixels as bytes. Dispose it to free its
/// tensors.
/// </summary>
/// <param name="Inputs">x, [N, …].</param>
/// <param name="Targets">y, [N] int64 or [N, D]; null where it is not known.</param>
/// <param name="Side">What the datapoints bring beside x; null for nothing.</param>
public sealed record Questions(Tensor Inputs, Tensor? Targets, SideInputs? Side = null) : IDisposable
{
    /// <summary>How many values each column has that are none of its levels and are read as zeros, by the column's name.</summary>
    public IReadOnlyDictionary<string, long> Unseen { get; init; } = new Dictionary<string, long>();

    /// <summary>N, the number of datapoints.</summary>
    public long Count => Inputs.shape[0];

    /// <inheritdoc/>
    public void Dispose()
    {
        Inputs.Dispose();
        Targets?.Dispose();
        Side?.Tasks?.Dispose();
        Side?.Given?.Dispose();
    }
}
