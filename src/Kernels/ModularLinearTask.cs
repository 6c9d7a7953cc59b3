namespace ModNet.Kernels;

/// <summary>
/// One call's data, pinned: what a modular linear layer is given and where its results go. Null is what is not given or not asked for.
/// </summary>
internal readonly unsafe struct ModularLinearTask
{
    internal ModularLinearSize Size { get; init; }

    internal ModularSegments Segments { get; init; }

    /// <summary>[B, in].</summary>
    internal float* X { get; init; }

    /// <summary>[M, out, in].</summary>
    internal float* Weight { get; init; }

    /// <summary>[M, out], or null for zeros.</summary>
    internal float* Bias { get; init; }

    /// <summary>[B, K, out]: out; going back in, where there is a ReLU.</summary>
    internal float* Output { get; init; }

    /// <summary>[B, K, out].</summary>
    internal float* Upstream { get; init; }

    /// <summary>[B, in], out or null.</summary>
    internal float* XGradient { get; init; }

    /// <summary>[M, out, in] if <see cref="Dense"/>, else [U, out, in]; out.</summary>
    internal float* WeightGradient { get; init; }

    /// <summary>[M, out] or [U, out], out or null.</summary>
    internal float* BiasGradient { get; init; }

    /// <summary>Whether gradients have rows for modules that nothing chose.</summary>
    internal bool Dense { get; init; }

    /// <summary>The gradient's row of segment <paramref name="segment"/>.</summary>
    internal int GradientRow(int segment) => Dense ? Segments.Modules[segment] : segment;

    /// <summary>The row of x that the choice at a sorted place is of.</summary>
    internal float* Row(int place) => X + (long)(Segments.Order[place] / Size.Choose) * Size.Inputs;
}
