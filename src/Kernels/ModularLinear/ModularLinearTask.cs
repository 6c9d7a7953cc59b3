namespace ModNet.Kernels;

/// <summary>One call of a modular linear layer: its data, pinned. Null is what is not given or not wanted.</summary>
internal readonly unsafe struct ModularLinearTask : IKernel
{
    internal ModularLinearSize Size { get; init; }

    internal ModularSegments Segments { get; init; }

    /// <summary>Whether gradients are wanted instead of outputs.</summary>
    internal bool GoesBack { get; init; }

    /// <summary>[B, in].</summary>
    internal float* X { get; init; }

    /// <summary>[M, out, in].</summary>
    internal float* Weight { get; init; }

    /// <summary>[M, out], or null for zeros.</summary>
    internal float* Bias { get; init; }

    /// <summary>[B, K, out]: written forward, and read backward where there is a ReLU.</summary>
    internal float* Output { get; init; }

    /// <summary>[B, K, out]: the gradient in the outputs.</summary>
    internal float* Upstream { get; init; }

    /// <summary>[B, in], written, or null.</summary>
    internal float* XGradient { get; init; }

    /// <summary>[M, out, in] if <see cref="Dense"/>, else [U, out, in]; written.</summary>
    internal float* WeightGradient { get; init; }

    /// <summary>[M, out] or [U, out], written, or null.</summary>
    internal float* BiasGradient { get; init; }

    /// <summary>Whether gradients have rows for modules that nothing chose.</summary>
    internal bool Dense { get; init; }

    public void Run<L, V>(int threads)
        where L : struct, ILanes<V>
        where V : struct
    {
        ModularLinearPass<L, V> pass = new(this, threads);
        if (GoesBack)
        {
            pass.Backward();
        }
        else
        {
            pass.Forward();
        }
    }

    /// <summary>Which row of the gradient belongs to the module of a segment.</summary>
    internal int GradientRow(int segment) => Dense ? Segments.Modules[segment] : segment;

    /// <summary>The row of x that the choice at a sorted place belongs to.</summary>
    internal float* Row(int place) => X + (long)(Segments.Order[place] / Size.Choose) * Size.Inputs;
}
