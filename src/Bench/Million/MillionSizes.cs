using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>The sizes of <see cref="MillionModel"/>.</summary>
/// <param name="Width">The width of what modules read and write.</param>
/// <param name="Batch">The number of datapoints, all of which are in every minibatch.</param>
/// <param name="Samples">S.</param>
/// <param name="Few">The digits of the modules in use, which are all there are where there are few.</param>
/// <param name="Many">The digits of many modules whose weights take no memory before they are written.</param>
/// <param name="Drawn">The digits of many modules whose weights are all drawn.</param>
public sealed record MillionSizes(int Width, int Batch, int Samples, int[] Few, int[] Many, int[] Drawn)
{
    /// <summary>A million modules; and half as many, whose weights of 8.7 GB are all there.</summary>
    public static MillionSizes Full { get; } = new(64, 1024, 10, [4, 4, 4, 4], [32, 32, 32, 32], [32, 32, 32, 16]);

    /// <summary>For tests.</summary>
    public static MillionSizes Tiny { get; } = new(4, 16, 2, [2, 2], [8, 8], [8, 4]);

    /// <summary>As it goes into results.</summary>
    public JsonObject ToJson() => new() { ["width"] = Width, ["batch"] = Batch, ["samples"] = Samples };
}
