namespace ModNet.Runtime;

/// <summary>A value of every row while a <see cref="Predictor"/> runs: which of its buffers holds it, and its shape without the batch.</summary>
internal readonly record struct RowValue(int Buffer, long[] Row)
{
    /// <summary>How many numbers a row has.</summary>
    internal int Width => checked((int)Row.Aggregate(1L, (a, b) => a * b));
}

/// <summary>The modules that every row chose at one site: which buffer holds them, and K.</summary>
internal readonly record struct RowChoices(int Buffer, int Choose);
