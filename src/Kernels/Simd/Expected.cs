namespace ModNet.Kernels;

/// <summary>Checks of arguments. A failure names the argument and says what was expected and what was given.</summary>
internal static class Expected
{
    /// <exception cref="ArgumentException">The length is another one.</exception>
    internal static void Length(int got, long expected, string name, string shape)
    {
        if (got != expected)
        {
            throw new ArgumentException($"{name}: expected {shape} = {expected} numbers, got {got}.", name);
        }
    }

    /// <summary>As <see cref="Length"/>, but an argument that is left out (empty) passes too.</summary>
    /// <exception cref="ArgumentException">The length is neither that one nor 0.</exception>
    internal static void LengthOrNone(int got, long expected, string name, string shape)
    {
        if (got != 0)
        {
            Length(got, expected, name, shape);
        }
    }

    /// <exception cref="ArgumentOutOfRangeException">The value is below the least one.</exception>
    internal static void AtLeast(int value, int least, string name)
    {
        if (value < least)
        {
            throw new ArgumentOutOfRangeException(name, $"{name}: expected at least {least}, got {value}.");
        }
    }

    /// <summary>Each value is a number of one of <paramref name="count"/> things, which <paramref name="symbol"/> stands for.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value lies outside [0, count).</exception>
    internal static void Below(ReadOnlySpan<long> values, int count, string name, string things, string symbol, string place = "at")
    {
        for (int i = 0; i < values.Length; i++)
        {
            if ((ulong)values[i] >= (ulong)count)
            {
                throw new ArgumentOutOfRangeException(
                    name, $"{name}: expected {things} 0 to {count - 1} ({symbol} = {count}), got {values[i]} {place} {i}.");
            }
        }
    }
}
