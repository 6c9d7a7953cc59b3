using ModNet.Kernels;

namespace ModNet.Bench;

/// <summary>Sizes of the kernels' calls: as the language model makes them, and those of one modular linear layer.</summary>
/// <param name="Sizes">The language model's.</param>
/// <param name="Layer">The layer's.</param>
/// <param name="Threads">Of a call.</param>
public sealed record KernelSizes(PtbSizes Sizes, LayerSizes Layer, int Threads)
{
    /// <summary>
    /// What benchmarks run with: BenchmarkDotNet makes them itself, in this process, and has no way to hand them anything but this.
    /// </summary>
    public static KernelSizes Current { get; set; } = new(PtbSizes.Paper, LayerSizes.Headline, Environment.ProcessorCount);

    /// <summary>Rows of an M-step.</summary>
    public int MRows => Sizes.Batch;

    /// <summary>Rows of an E-step.</summary>
    public int ERows => Sizes.Batch * (Sizes.Samples + 1);

    /// <summary>The head's forward pass on so many datapoints, with gradients or without.</summary>
    public KernelWork Head(int rows, bool gradients)
    {
        double words = (double)rows * Sizes.Window, logits = words * Sizes.Vocabulary;
        double weights = (double)Sizes.Vocabulary * (Sizes.Hidden + 1);
        double bytes = sizeof(float) * (weights + words * Sizes.Hidden) * (gradients ? 2 : 1) + words * (sizeof(long) + sizeof(float));
        return new(2 * logits * Sizes.Hidden * (gradients ? 3 : 1), logits, bytes);
    }

    /// <summary>The GRU's window on so many datapoints, forward or backward.</summary>
    public KernelWork Gru(int rows, bool backward)
    {
        (int h, int k, int m) = (Sizes.Hidden, Sizes.Choose, Sizes.Modules);
        double steps = (double)rows * Sizes.Window, both = Sizes.Embed + h;
        double forward = 2 * steps * both * (2 * h + k * m + k * h);
        double bytes = steps * (sizeof(float) * (Sizes.Embed + h + k * m) + sizeof(long) * k);
        return new(forward * (backward ? 2 : 1), steps * (2 * h + k * m), bytes * (backward ? 2 : 1));
    }

    /// <summary>The layer, forward or backward.</summary>
    public KernelWork Linear(bool backward)
    {
        double choices = (double)Layer.Batch * Layer.Choose, rows = sizeof(float) * choices * Layer.Width;
        double weights = sizeof(float) * (double)Layer.InUse * Layer.Width * Layer.Width;
        return backward
            ? new(4 * choices * Layer.Width * Layer.Width, 0, 3 * rows + 2 * weights)
            : new(2 * choices * Layer.Width * Layer.Width, 0, 2 * rows + weights);
    }

    /// <summary>Modular convolutions of Figure 6's network.</summary>
    public CifarSizes Cifar { get; init; } = CifarSizes.Paper;

    /// <summary>Its first layer in an M-step.</summary>
    public ModularConvolutionSize First => Convolution(Cifar.MBatch, 3, Cifar.Side);

    /// <summary>Its first layer in an E-step.</summary>
    public ModularConvolutionSize Candidates => Convolution(Cifar.EBatch, 3, Cifar.Side) with { Times = Cifar.Samples + 1 };

    /// <summary>Its second layer in an E-step.</summary>
    public ModularConvolutionSize Second => Convolution(Cifar.EBatch * (Cifar.Samples + 1), Cifar.Choose, Cifar.Side / 2);

    /// <summary>What such a call does; a module that several choices of an image name runs once, or at most M do.</summary>
    public static KernelWork Convolution(ModularConvolutionSize size, bool backward)
    {
        double images = size.Rows, outputs = images * size.Positions * size.Outputs * size.OutputHeight * size.OutputWidth;
        double runs = images * Math.Min(size.Positions, size.Modules);
        double products = 2 * runs * size.Outputs * size.OutputHeight * size.OutputWidth * size.Inputs * size.Kernel * size.Kernel;
        double bytes = sizeof(float) * (images * size.Inputs * size.Height * size.Width + outputs);
        return new(products * (backward ? 2 : 1), 0, bytes * (backward ? 2 : 1));
    }

    private ModularConvolutionSize Convolution(int rows, int channels, int side) =>
        new(rows, channels, side, side, Outputs: 1, Kernel: 3, Stride: 2, Padding: 1, Cifar.Modules, Cifar.Choose) { Relu = true };

    /// <summary>Adam on the weights in use: the gradient, the weights and both moments read, the last three written.</summary>
    public KernelWork Adam()
    {
        const int operations = 12, passes = 7;
        double weights = (double)Layer.InUse * Layer.Width * Layer.Width;
        return new(operations * weights, 0, passes * sizeof(float) * weights);
    }
}
