namespace ModNet.Kernels;

/// <summary>
/// How a head's weights lie in working memory. The vocabulary is cut into panels, each four registers wide. A panel has one row per
/// hidden unit with the weights of its columns side by side, then a row of biases, then rows of zeros up to <see cref="Rows"/>. So a
/// register holds neighbouring words of the vocabulary, and every product is a broadcast and a multiply-add.
/// </summary>
internal readonly struct HeadLayout
{
    /// <summary>Registers across a panel.</summary>
    internal const int PanelVectors = 4;

    /// <summary>Datapoints that one tile takes together: 3 × 4 sums leave 4 of 16 registers for operands.</summary>
    internal const int TileRows = 3;

    /// <summary>Hidden units that one tile of the hidden gradient takes together, for 3 × 4 sums again.</summary>
    internal const int HiddenTile = 4;

    internal HeadLayout(int vocabulary, int hidden, int lanes)
    {
        Vocabulary = vocabulary;
        Hidden = hidden;
        Width = PanelVectors * lanes;
        Panels = (vocabulary + Width - 1) / Width;
        Rows = Math.Max(Scratch.RoundUp(hidden, HiddenTile), hidden + 1);
        PanelLength = Rows * Width;
    }

    internal int Vocabulary { get; }

    internal int Hidden { get; }

    /// <summary>Columns of a panel.</summary>
    internal int Width { get; }

    internal int Panels { get; }

    /// <summary>Rows of a panel: hidden units, the bias, padding.</summary>
    internal int Rows { get; }

    /// <summary>Numbers in a panel.</summary>
    internal int PanelLength { get; }

    /// <summary>Numbers in all panels.</summary>
    internal long Length => (long)Panels * PanelLength;

    /// <summary>Where the first row of vocabulary entry <paramref name="entry"/> lies among the panels.</summary>
    internal long Offset(int entry) => (long)(entry / Width) * PanelLength + entry % Width;

    /// <summary>
    /// Lays out panels [from, to), with biases multiplied by <paramref name="biasScale"/>. Columns past the end of the vocabulary get
    /// weight 0 and bias −∞, so that their exponential is 0.
    /// </summary>
    internal unsafe void Pack(float* weight, float* bias, float biasScale, float* panels, int from, int to)
    {
        for (int panel = from; panel < to; panel++)
        {
            float* target = panels + (long)panel * PanelLength;
            int real = Math.Min(Width, Vocabulary - panel * Width);
            new Span<float>(target, PanelLength).Clear();
            new Span<float>(target + Hidden * Width + real, Width - real).Fill(float.NegativeInfinity);
            // As many hidden units at a time as a cache line of a word's weights holds.
            for (int start = 0; start < Hidden; start += Scratch.Line)
            {
                int end = Math.Min(start + Scratch.Line, Hidden);
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
    /// Adds up the <paramref name="copies"/> of panels [from, to), from the first to the last, and writes the sums to weight [V, H] and
    /// bias [V]. The first copy is overwritten on the way.
    /// </summary>
    internal unsafe void Unpack(float* panels, int copies, float* weight, float* bias, int from, int to)
    {
        for (int panel = from; panel < to; panel++)
        {
            float* sum = panels + (long)panel * PanelLength;
            for (int copy = 1; copy < copies; copy++)
            {
                float* addend = sum + copy * Length;
                for (int i = 0; i < PanelLength; i++)
                {
                    sum[i] += addend[i];
                }
            }

            int real = Math.Min(Width, Vocabulary - panel * Width);
            for (int start = 0; start < Hidden; start += Scratch.Line)
            {
                int end = Math.Min(start + Scratch.Line, Hidden);
                for (int column = 0; column < real; column++)
                {
                    float* target = weight + ((long)panel * Width + column) * Hidden;
                    for (int row = start; row < end; row++)
                    {
                        target[row] = sum[row * Width + column];
                    }
                }
            }

            new ReadOnlySpan<float>(sum + Hidden * Width, real).CopyTo(new Span<float>(bias + panel * Width, real));
        }
    }
}
