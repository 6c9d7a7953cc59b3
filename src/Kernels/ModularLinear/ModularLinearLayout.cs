namespace ModNet.Kernels;

/// <summary>
/// How the rows of a modular linear layer lie in working memory: padded to whole registers, and cut into blocks that the caches hold.
/// </summary>
internal readonly struct ModularLinearLayout
{
    /// <summary>How many rows, or outputs, a tile takes together.</summary>
    internal const int Tile = 4;

    /// <summary>
    /// How many outputs' weights the gradient of x goes through at a time. Of so many, the first-level cache holds a strip that is four
    /// registers wide.
    /// </summary>
    internal const int GradientBlock = 32;

    // Numbers in a block of rows, for the second-level cache, and in a block of weights, for the first-level cache.
    private const int RowsLength = 1 << 15;
    private const int WeightsLength = 1 << 12;

    internal ModularLinearLayout(in ModularLinearSize size, int lanes)
    {
        Inputs = Scratch.RoundUp(size.Inputs, lanes);
        InputStride = Stride(Inputs);
        OutputStride = Stride(size.Outputs);
        WeightStride = Inputs == size.Inputs ? Inputs : InputStride;
        IsPacked = WeightStride != size.Inputs;
        BlockRows = Math.Clamp(RowsLength / Math.Max(InputStride, OutputStride) / Tile * Tile, Tile, 128);
        BlockOutputs = Math.Clamp(WeightsLength / InputStride / Scratch.Line * Scratch.Line, Scratch.Line, 64);
    }

    /// <summary>The width of x in whole registers.</summary>
    internal int Inputs { get; }

    /// <summary>From one row of x to the next.</summary>
    internal int InputStride { get; }

    /// <summary>From one row of outputs to the next.</summary>
    internal int OutputStride { get; }

    /// <summary>From one row of a module's weight to the next.</summary>
    internal int WeightStride { get; }

    /// <summary>Whether weights have to be copied, so that their rows begin and end with a whole register.</summary>
    internal bool IsPacked { get; }

    /// <summary>How many rows a block has.</summary>
    internal int BlockRows { get; }

    /// <summary>How many outputs a block of weights has: a multiple of the widest register's lanes.</summary>
    internal int BlockOutputs { get; }

    /// <summary>
    /// From one row of so many numbers to the next: an odd number of cache lines, so that rows below each other fall into different sets of a cache.
    /// </summary>
    internal static int Stride(int length) => (Scratch.RoundUp(length, Scratch.Line) / Scratch.Line | 1) * Scratch.Line;

    /// <summary>The output before which a cut lies that is made after <paramref name="place"/> of <paramref name="length"/> equal parts: a multiple of a tile, or the last.</summary>
    internal static int Cut(int outputs, int place, int length)
    {
        int tiles = (outputs + Tile - 1) / Tile;
        return Math.Min(outputs, (int)((long)Math.Clamp(place, 0, length) * tiles / length) * Tile);
    }
}
