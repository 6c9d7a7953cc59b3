namespace ModNet.Runtime;

/// <summary>The buffers of one call of a <see cref="Predictor"/>, which grow to the most rows they were asked for.</summary>
internal sealed class RowMemory(int values, int choices)
{
    private readonly float[][] _values = [.. Enumerable.Range(0, values).Select(_ => Array.Empty<float>())];
    private readonly long[][] _choices = [.. Enumerable.Range(0, choices).Select(_ => Array.Empty<long>())];
    private long[] _zeros = [];

    /// <summary>The numbers of all rows, [B, width].</summary>
    internal Span<float> Of(RowValue value, int rows) => Grown(ref _values[value.Buffer], rows * value.Width);

    /// <summary>The modules of all rows, [B, K].</summary>
    internal Span<long> Of(RowChoices choices, int rows) => Grown(ref _choices[choices.Buffer], rows * choices.Choose);

    /// <summary>Module 0 for every row: the choice of a layer that has one module.</summary>
    internal ReadOnlySpan<long> Zeros(int rows) => Grown(ref _zeros, rows);

    private static Span<T> Grown<T>(ref T[] buffer, int length)
    {
        if (buffer.Length < length)
        {
            buffer = new T[length];
        }

        return buffer.AsSpan(0, length);
    }
}
