namespace ModNet.Kernels;

/// <summary>One call of a modular linear layer: its data, pinned. Null is what is not given or not wanted.</summary>
internal readonly unsafe struct ModularLinearTask : IKernel
{
    internal ModularLinearSize Size { get; init; }
    internal ModularSegments Segments { get; init; }
    internal bool GoesBack { get; init; }           // whether gradients are wanted instead of outputs
    internal float* X { get; init; }                // [B, in]
    internal float* Weight { get; init; }           // [M, out, in]
    internal float* Bias { get; init; }             // [M, out], or null for zeros
    internal float* Output { get; init; }           // [B, K, out], written forward; read on the way back where there is a ReLU
    internal float* Upstream { get; init; }         // [B, K, out], the gradient in the outputs
    internal float* XGradient { get; init; }        // [B, in], written, or null
    internal float* WeightGradient { get; init; }   // [M, out, in] if Dense, else [U, out, in]; written, or null
    internal float* BiasGradient { get; init; }     // [M, out] if Dense, else [U, out]; written, or null
    internal bool Dense { get; init; }              // whether gradients have rows for modules that nothing chose

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
