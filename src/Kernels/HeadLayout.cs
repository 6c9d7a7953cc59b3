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

    /// <summary>Rows of a panel (hidden units and bias) of one tile of the weight gradient.</summary>
    internal const int WeightTile = 3;

    internal HeadLayout(int vocabulary, int hidden, int lanes)
    {
        Vocabulary = vocabulary;
        Hidden = hidden;
        Width = PanelVectors * lanes;
        Panels = (vocabulary + Width - 1) / Width;
        Rows = Math.Max(RoundUp(hidden, HiddenTile), RoundUp(hidden + 1, WeightTile));
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
            for (int column = 0; column < Width; column++)
            {
                int entry = panel * Width + column;
                bool real = entry < Vocabulary;
                float* source = weight + (long)entry * Hidden;
                for (int row = 0; row < Hidden; row++)
                {
                    target[row * Width + column] = real ? source[row] : 0f;
                }

                target[Hidden * Width + column] = real ? bias[entry] * biasScale : float.NegativeInfinity;
                for (int row = Hidden + 1; row < Rows; row++)
                {
                    target[row * Width + column] = 0f;
                }
            }
        }
    }

    /// <summary>
    /// Sums the <paramref name="copies"/> of panels [from, to), first to last, into weight [V, H] and bias [V].
    /// </summary>
    internal unsafe void Unpack(float* panels, int copies, float* weight, float* bias, int from, int to)
    {
        int end = Math.Min(to * Width, Vocabulary);
        for (int entry = from * Width; entry < end; entry++)
        {
            float* source = panels + Offset(entry, 0);
            float* target = weight + (long)entry * Hidden;
            for (int row = 0; row <= Hidden; row++)
            {
                float sum = source[row * Width];
                for (int copy = 1; copy < copies; copy++)
                {
                    sum += source[copy * Length + row * Width];
                }

                if (row < Hidden)
                {
                    target[row] = sum;
                }
                else
                {
                    bias[entry] = sum;
                }
            }
        }
    }
}
