namespace ModNet.Kernels;

/// <summary>One call of a modular convolution: its data, pinned. Null is what is not given or not wanted.</summary>
internal readonly unsafe struct ModularConvolutionTask : IKernel
{
    internal ModularConvolutionSize Size { get; init; }
    internal bool GoesBack { get; init; }           // whether gradients are wanted instead of outputs
    internal float* X { get; init; }                // [B, in, H, W]
    internal int* Sources { get; init; }            // [B]: where in x each image lies, or null where they lie in order
    internal long* Indices { get; init; }           // [Times·B, K]
    internal int* Targets { get; init; }            // [Times·B]: where in the outputs each selection goes, −1 for nowhere; or null for their order
    internal float* Weight { get; init; }           // [M, out, in, Kernel, Kernel]
    internal float* Bias { get; init; }             // [M, out], or null for zeros
    internal float* Output { get; init; }           // [Times·B, K, out, H', W'], written forward; read on the way back where there is a ReLU
    internal float* Upstream { get; init; }         // [Times·B, K, out, H', W'], the gradient in the outputs
    internal float* XGradient { get; init; }        // [B, in, H, W], written, or null
    internal float* WeightGradient { get; init; }   // a row for each of GradientModules; written, or null
    internal float* BiasGradient { get; init; }     // the same
    internal int[] GradientModules { get; init; }   // whose gradients are written, ascending

    public void Run<L, V>(int threads)
        where L : struct, ILanes<V>
        where V : struct
    {
        ModularConvolutionPass<L, V> pass = new(this, threads);
        if (GoesBack)
        {
            pass.Backward();
        }
        else
        {
            pass.Forward();
        }
    }

    /// <summary>An image.</summary>
    internal float* Image(int row) => X + (long)(Sources is null ? row : Sources[row]) * Size.Image;

    /// <summary>Where the output at a position of an image goes; null where nobody wants it.</summary>
    internal float* Target(int row, int position)
    {
        int choice = Size.Choice(row, position);
        if (Targets is not null)
        {
            int target = Targets[choice / Size.Choose];
            if (target < 0)
            {
                return null;
            }

            choice = target * Size.Choose + choice % Size.Choose;
        }

        return Output + (long)choice * Size.Output;
    }

    /// <summary>The module at a position of an image.</summary>
    internal int Module(int row, int position) => (int)Indices[Size.Choice(row, position)];
}
