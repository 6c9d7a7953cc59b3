namespace ModNet.Kernels;

/// <summary>
/// Numbers that stay where they are while a call runs, such as those of a tensor. There may be more of them than a span reaches, as of the stacked weights of a million
/// modules.
/// </summary>
/// <param name="start">Where they begin; null where there are none.</param>
/// <param name="length">How many there are.</param>
public readonly unsafe struct PinnedFloats(float* start, long length)
{
    /// <summary>Where they begin; null where there are none.</summary>
    public float* Start { get; } = start;

    /// <summary>How many there are.</summary>
    public long Length { get; } = length;
}
