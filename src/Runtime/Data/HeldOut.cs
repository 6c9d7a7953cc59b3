using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Parts held out of a dataset by chance.</summary>
internal static class HeldOut
{
    /// <summary>
    /// Shuffles by <paramref name="seed"/> and holds out <paramref name="validation"/> datapoints, then
    /// <paramref name="test"/>; the rest is trained on. Nothing held out leaves the order as it is. Takes
    /// <paramref name="all"/> over.
    /// </summary>
    internal static DataSplits Split(Dataset all, long validation, long test, long seed)
    {
        if (validation + test == 0)
        {
            return new(all, [], []);
        }

        using Dataset whole = all;
        using var scope = NewDisposeScope();
        using var streams = new RandomStreams(seed);
        Tensor order = randperm(all.Count, ScalarType.Int64, generator: streams["held_out"]);
        Dataset[] Take(long start, long count) => count == 0 ? [] : [all.Part(order.narrow(0, start, count))];
        return new(
            all.Part(order.narrow(0, validation + test, all.Count - validation - test)),
            Take(0, validation),
            Take(validation, test));
    }
}
