namespace ModNet.Kernels;

/// <summary>Which rows are stepped, and which summands make up each one's gradient.</summary>
internal sealed class RowPlan
{
    internal RowPlan(ReadOnlySpan<long> rows, int modules, int width, in RowGradients gradient)
    {
        Rows = rows.ToArray();
        Width = width;
        long expected = (gradient.IsWhole ? modules : gradient.Rows.Length) * (long)width;
        if (gradient.Values.Length != expected)
        {
            throw new ArgumentException(
                $"gradient: expected {(gradient.IsWhole ? "[M, n]" : "[N, n]")} = {expected} numbers, got {gradient.Values.Length}.",
                nameof(gradient));
        }

        int[] place = new int[modules];
        Array.Fill(place, -1);
        for (int u = 0; u < Rows.Length; u++)
        {
            place[Rows[u]] = u;
        }

        Starts = new int[Rows.Length + 1];
        foreach (long row in gradient.Rows)
        {
            if ((ulong)row >= (ulong)modules || place[row] < 0)
            {
                throw new ArgumentException($"gradient: expected rows that are stepped, got {row}.", nameof(gradient));
            }

            Starts[place[row] + 1]++;
        }

        for (int u = 0; u < Rows.Length; u++)
        {
            Starts[u + 1] += Starts[u];
        }

        int[] next = Starts[..^1];
        Summands = new int[gradient.Rows.Length];
        for (int i = 0; i < Summands.Length; i++)
        {
            Summands[next[place[gradient.Rows[i]]]++] = gradient.IsWhole ? (int)gradient.Rows[i] : i;
        }
    }

    /// <summary>[U].</summary>
    internal long[] Rows { get; }

    /// <summary>n.</summary>
    internal int Width { get; }

    /// <summary>[U + 1]: the gradient of row u is the sum of summands Starts[u] to Starts[u + 1] − 1, in this order.</summary>
    internal int[] Starts { get; }

    /// <summary>[N]: which of the given ones stands there.</summary>
    internal int[] Summands { get; }
}
