namespace ModNet.Runtime;

/// <summary>What turns rows of x as the data have them into those of a graph that reads vectors or images: the steps of <see cref="Preparation"/>, on arrays.</summary>
internal sealed class RowInput
{
    private readonly ColumnSteps? _columns;
    private readonly PixelScale? _pixels;

    /// <summary>For a graph whose rows have the shape <paramref name="row"/>.</summary>
    internal RowInput(long[] row, Preparation? preparation)
    {
        _pixels = preparation?.Pixels;
        var columns = new ColumnSteps(preparation?.Columns, preparation?.Scaling, preparation?.Fill, preparation?.Levels);
        _columns = columns.AreNone || _pixels is not null ? null : columns;
        Width = _columns?.Width ?? checked((int)row.Aggregate(1L, (a, b) => a * b));
    }

    /// <summary>How many numbers a row of x has.</summary>
    internal int Width { get; }

    /// <summary>x [B, width] → rows of the graph. UserException where one is not finite.</summary>
    internal void Prepare(ReadOnlySpan<float> x, Span<float> prepared)
    {
        if (_columns is not null)
        {
            double[] values = new double[x.Length];
            for (int i = 0; i < x.Length; i++)
            {
                values[i] = x[i];
            }

            _columns.Prepare(values, Width, prepared);
        }
        else if (_pixels is null)
        {
            x.CopyTo(prepared);
        }
        else
        {
            int channels = _pixels.Scale.Count, places = Width / channels;
            for (int i = 0; i < x.Length; i++)
            {
                int channel = i / places % channels;
                prepared[i] = x[i] * _pixels.Scale[channel] + _pixels.Shift[channel];
            }
        }

        foreach (float value in prepared)
        {
            if (!float.IsFinite(value))
            {
                throw new UserException("x", "numbers that are finite in float32", $"{value}", "mend these numbers");
            }
        }
    }
}
