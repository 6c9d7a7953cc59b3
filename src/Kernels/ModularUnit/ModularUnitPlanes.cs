namespace ModNet.Kernels;

/// <summary>
/// Where the rows between stages are: plane s is what stage s reads, and the last plane is what the unit gives. A plane that the way back reads is kept whole, in
/// the order of sorted choices; of any other, working memory holds a block. So it is with the gradients in what stages with parameters gave.
/// </summary>
internal sealed class ModularUnitPlanes
{
    internal ModularUnitPlanes(ModularUnitSize size)
    {
        IReadOnlyList<UnitStage> stages = size.Stages;
        int count = stages.Count;
        (Widths, Strides) = (new int[count + 1], new int[count + 1]);
        (Kept, Statistics, Gradients) = (new long[count + 1], new long[count], new long[count]);
        for (int plane = 0; plane <= count; plane++)
        {
            Widths[plane] = plane == 0 ? stages[0].Inputs : stages[plane - 1].Outputs;
            Strides[plane] = ModularLinearLayout.Stride(Widths[plane]);
            bool kept = plane < count && stages[plane].NeedsInput || plane > 0 && stages[plane - 1].NeedsOutput;
            Kept[plane] = kept ? KeptLength : None;
            KeptLength += kept ? (long)size.Choices * Strides[plane] : 0;
        }

        for (int s = 0; s < count; s++)
        {
            Statistics[s] = stages[s].Kind == UnitStageKind.Norm ? KeptLength : None;
            KeptLength += stages[s].Kind == UnitStageKind.Norm ? 2L * size.Choices : 0;
            Gradients[s] = stages[s].HasParameters ? GradientLength : None;
            GradientLength += stages[s].HasParameters ? (long)size.Choices * Strides[s + 1] : 0;
        }
    }

    /// <summary>Where nothing is kept.</summary>
    internal const long None = -1;

    /// <summary>The width of the rows of each plane.</summary>
    internal int[] Widths { get; }

    /// <summary>From one row of each plane to the next.</summary>
    internal int[] Strides { get; }

    /// <summary>Where each plane begins in what is kept, or <see cref="None"/>.</summary>
    internal long[] Kept { get; }

    /// <summary>Where the mean and 1/√(variance + ε) of each row of a normalisation are in what is kept, or <see cref="None"/>.</summary>
    internal long[] Statistics { get; }

    /// <summary>Where the gradients in what each stage gave begin, or <see cref="None"/>.</summary>
    internal long[] Gradients { get; }

    /// <summary>How many numbers are kept.</summary>
    internal long KeptLength { get; }

    /// <summary>How many numbers the gradients between stages have.</summary>
    internal long GradientLength { get; }
}
