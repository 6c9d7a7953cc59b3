namespace ModNet.Kernels;

/// <summary>How a modular linear layer's rows lie in working memory: padded to whole registers, and cut into blocks that caches hold.</summary>
internal readonly struct ModularLinearLayout
{
    /// <summary>Rows, or outputs, that a tile takes together.</summary>
    internal const int Tile = 4;

    /// <summary>Outputs whose weights the gradient of x goes through at a time: the first-level cache holds four registers' width of them.</summary>
    internal const int GradientBlock = 32;

    // A cache line of numbers.
    private const int Line = 16;

    // Numbers of a block of rows (second-level cache), and of a block of weights (first-level cache).
    private const int RowsLength = 1 << 15;
    private const int WeightsLength = 1 << 12;

    internal ModularLinearLayout(in ModularLinearSize size, int lanes)
    {
        Inputs = RoundUp(size.Inputs, lanes);
        InputStride = Stride(Inputs);
        OutputStride = Stride(size.Outputs);
        WeightStride = Inputs == size.Inputs ? Inputs : InputStride;
        IsPacked = WeightStride != size.Inputs;
        BlockRows = Math.Clamp(RowsLength / Math.Max(InputStride, OutputStride) / Tile * Tile, Tile, 128);
        BlockOutputs = Math.Clamp(WeightsLength / InputStride / Line * Line, Line, 64);
    }

    /// <summary>in, rounded up to whole registers.</summary>
    internal int Inputs { get; }

    /// <summary>From one row of x to the next.</summary>
    internal int InputStride { get; }

    /// <summary>From one row of outputs to the next.</summary>
    internal int OutputStride { get; }

    /// <summary>From one row of a module's weight to the next.</summary>
    internal int WeightStride { get; }

    /// <summary>Whether weights have to be copied, so that rows begin and end with a register.</summary>
    internal bool IsPacked { get; }

    /// <summary>Rows of a block.</summary>
    internal int BlockRows { get; }

    /// <summary>Outputs of a block of weights; a multiple of the widest register's lanes.</summary>
    internal int BlockOutputs { get; }

    // An odd number of cache lines: rows below each other then fall into different sets of a cache.
    private static int Stride(int length) => (RoundUp(length, Line) / Line | 1) * Line;

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;
}
