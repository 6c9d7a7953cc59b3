namespace ModNet.Kernels;

/// <summary>
/// How an image lies in working memory. It is padded and cut into planes: those of a channel hold every Stride-th column each, so that what
/// a place in the window reads at neighbouring windows lies side by side. From the planes, a row is made for every place in the window (a
/// tap), with the numbers that all windows have there, in whole registers.
/// </summary>
internal readonly struct ModularConvolutionLayout
{
    internal ModularConvolutionLayout(in ModularConvolutionSize size, int lanes)
    {
        (Image, Taps, Weights, Positions) = (size.Image, size.Taps, size.WeightLength, size.Positions);
        (Height, Width, Windows, Output) = (size.OutputHeight, size.OutputWidth, size.Places, size.Output);
        Places = Scratch.RoundUp(Windows, lanes);
        // An odd number of cache lines, so that rows below each other fall into different sets of a cache.
        Stride = (Scratch.RoundUp(Places, Scratch.Line) / Scratch.Line | 1) * Scratch.Line;
        PlaneWidth = (size.Width + 2 * size.Padding + size.Stride - 1) / size.Stride;
        Plane = checked((size.Height + 2 * size.Padding) * PlaneWidth);
        // What is copied in whole registers goes a little beyond the end.
        Planes = checked((long)size.Inputs * size.Stride * Plane + Scratch.Line);
        Together = Math.Max(1, Joined / size.Outputs);
        TapStride = Scratch.RoundUp(size.Taps, ModularLinearLayout.Tile);
    }

    // So many filters of an image's choices are multiplied together; two rows of tiles.
    private const int Joined = 2 * ModularLinearLayout.Tile;

    // What the sizes say, computed once.

    /// <summary>The numbers of an image.</summary>
    internal int Image { get; }

    /// <summary>The numbers that one output reads.</summary>
    internal int Taps { get; }

    /// <summary>The numbers of a module's filters.</summary>
    internal int Weights { get; }

    /// <summary>The choices of an image.</summary>
    internal int Positions { get; }

    /// <summary>The height of an output.</summary>
    internal int Height { get; }

    /// <summary>The width of an output.</summary>
    internal int Width { get; }

    /// <summary>The windows of an image.</summary>
    internal int Windows { get; }

    /// <summary>The numbers of a module's output.</summary>
    internal int Output { get; }

    /// <summary>The windows of an image in whole registers.</summary>
    internal int Places { get; }

    /// <summary>From the row of one tap or channel to the next.</summary>
    internal int Stride { get; }

    /// <summary>The width of a plane.</summary>
    internal int PlaneWidth { get; }

    /// <summary>The numbers of a plane.</summary>
    internal int Plane { get; }

    /// <summary>The numbers of all planes, and of what lies behind them.</summary>
    internal long Planes { get; }

    /// <summary>How many modules of an image run together.</summary>
    internal int Together { get; }

    /// <summary>From a filter's gradient of one image to the next one's.</summary>
    internal int TapStride { get; }
}
