namespace ModNet.Kernels;

/// <summary>Checks of arguments. A failure names the argument and says what was expected and what was given.</summary>
internal static class Expected
{
    /// <summary>Checks that an argument has the expected length.</summary>
    /// <exception cref="ArgumentException">It has another one.</exception>
    internal static void Length(long got, long expected, string name, string shape)
    {
        if (got != expected)
        {
            throw new ArgumentException($"{name}: expected {shape} = {expected} numbers, got {got}.", name);
        }
    }

    /// <summary>The same as <see cref="Length"/>, except that an empty argument passes too.</summary>
    /// <exception cref="ArgumentException">The length is neither that one nor 0.</exception>
    internal static void LengthOrNone(long got, long expected, string name, string shape)
    {
        if (got != 0)
        {
            Length(got, expected, name, shape);
        }
    }

    /// <summary>Checks that a number is no less than the least one allowed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less.</exception>
    internal static void AtLeast(int value, int least, string name)
    {
        if (value < least)
        {
            throw new ArgumentOutOfRangeException(name, $"{name}: expected at least {least}, got {value}.");
        }
    }

    /// <summary>
    /// Checks that all values are below <paramref name="count"/>. The message calls what they number <paramref name="things"/>, and their
    /// count <paramref name="symbol"/>.
    /// </summary>
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
