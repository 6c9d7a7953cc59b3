namespace ModNet.Kernels;

/// <summary>
/// How a head's weights lie in working memory. The vocabulary is cut into panels of four registers' width; a panel holds,
/// for each hidden unit, those columns' weights side by side, then their biases, then rows of zeros up to
/// <see cref="Rows"/>. So vectors run over the vocabulary, and every product is a broadcast and a multiply-add.
/// </summary>
internal readonly struct HeadLayout
{
    /// <summary>Registers across a panel.</summary>
    internal const int PanelVectors = 4;

    /// <summary>Datapoints that one tile takes together: 3 × 4 accumulators leave 4 of 16 registers for operands.</summary>
    internal const int TileRows = 3;

    /// <summary>Hidden units of one tile of the hidden gradient (3 × 4 accumulators again).</summary>
    internal const int HiddenTile = 4;

    // Rows transposed together: one cache line of a vocabulary entry's weights.
    private const int TransposedRows = 16;

    internal HeadLayout(int vocabulary, int hidden, int lanes)
    {
        Vocabulary = vocabulary;
        Hidden = hidden;
        Width = PanelVectors * lanes;
        Panels = (vocabulary + Width - 1) / Width;
        Rows = Math.Max(RoundUp(hidden, HiddenTile), hidden + 1);
        PanelLength = Rows * Width;
    }

    internal int Vocabulary { get; }

    internal int Hidden { get; }

    /// <summary>Columns of a panel.</summary>
    internal int Width { get; }

    internal int Panels { get; }

    /// <summary>Rows of a panel: hidden units, bias, padding.</summary>
    internal int Rows { get; }

    /// <summary>Floats in a panel.</summary>
    internal int PanelLength { get; }

    /// <summary>Floats in all panels.</summary>
    internal long Length => (long)Panels * PanelLength;

    internal static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;

    /// <summary>Where row <paramref name="row"/> of vocabulary entry <paramref name="entry"/> lies among the panels.</summary>
    internal long Offset(int entry, int row) =>
        (long)(entry / Width) * PanelLength + (long)row * Width + entry % Width;

    /// <summary>
    /// Lays out panels [from, to). Biases are multiplied by <paramref name="biasScale"/>; entries past the vocabulary get
    /// weight 0 and bias −∞, so their exponential is 0.
    /// </summary>
    internal unsafe void Pack(float* weight, float* bias, float biasScale, float* panels, int from, int to)
    {
        for (int panel = from; panel < to; panel++)
        {
            float* target = panels + (long)panel * PanelLength;
            int real = Math.Min(Width, Vocabulary - panel * Width);
            new Span<float>(target, PanelLength).Clear();
            new Span<float>(target + Hidden * Width + real, Width - real).Fill(float.NegativeInfinity);
            for (int start = 0; start < Hidden; start += TransposedRows)
            {
                int end = Math.Min(start + TransposedRows, Hidden);
                for (int column = 0; column < real; column++)
                {
                    float* source = weight + ((long)panel * Width + column) * Hidden;
                    for (int row = start; row < end; row++)
                    {
                        target[row * Width + column] = source[row];
                    }
                }
            }

            for (int column = 0; column < real; column++)
            {
                target[Hidden * Width + column] = bias[panel * Width + column] * biasScale;
            }
        }
    }

    /// <summary>
    /// Sums the <paramref name="copies"/> of panels [from, to), first to last, into weight [V, H] and bias [V].
    /// The first copy is used up.
    /// </summary>
    internal unsafe void Unpack(float* panels, int copies, float* weight, float* bias, int from, int to)
    {
        for (int panel = from; panel < to; panel++)
        {
            float* source = panels + (long)panel * PanelLength;
            for (int copy = 1; copy < copies; copy++)
            {
                Add(source, source + copy * Length);
            }

            int real = Math.Min(Width, Vocabulary - panel * Width);
            for (int start = 0; start < Hidden; start += TransposedRows)
            {
                int end = Math.Min(start + TransposedRows, Hidden);
                for (int column = 0; column < real; column++)
                {
                    float* target = weight + ((long)panel * Width + column) * Hidden;
                    for (int row = start; row < end; row++)
                    {
                        target[row] = source[row * Width + column];
                    }
                }
            }

            new ReadOnlySpan<float>(source + Hidden * Width, real).CopyTo(new Span<float>(bias + panel * Width, real));
        }
    }

    private unsafe void Add(float* sum, float* addend)
    {
        for (int i = 0; i < PanelLength; i++)
        {
            sum[i] += addend[i];
        }
    }
}
