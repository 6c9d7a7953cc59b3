namespace ModNet.Kernels;

/// <summary>One call of a layer of units: its data, pinned. Null is what is not given or not wanted.</summary>
internal readonly unsafe struct ModularUnitTask : IKernel
{
    internal ModularUnitSize Size { get; init; }
    internal ModularUnitPlanes Planes { get; init; }
    internal ModularSegments Segments { get; init; }
    internal bool GoesBack { get; init; }           // whether gradients are wanted instead of outputs
    internal UnitArrays[] Arrays { get; init; }     // the parameters of each stage, or its factors
    internal float* X { get; init; }                // [B, in]
    internal float* Kept { get; init; }             // planes; written forward, read on the way back
    internal float* Output { get; init; }           // [B, K, out], written
    internal float* Upstream { get; init; }         // [B, K, out], the gradient in the outputs
    internal float* XGradient { get; init; }        // [B, in], written, or null
    internal UnitArrays[] Gradients { get; init; }  // of the parameters of each stage, with M rows if Dense, else U; written
    internal float* Work { get; init; }             // gradients in what stages with parameters gave
    internal bool Dense { get; init; }              // whether gradients have rows for modules that nothing chose

    public void Run<L, V>(int threads)
        where L : struct, ILanes<V>
        where V : struct
    {
        ModularUnitPass<L, V> pass = new(this, threads);
        if (GoesBack)
        {
            pass.Backward();
        }
        else
        {
            pass.Forward();
        }
    }

    /// <summary>Which row of the gradients belongs to the module of a segment.</summary>
    internal int GradientRow(int segment) => Dense ? Segments.Modules[segment] : segment;
}
