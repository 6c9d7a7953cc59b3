using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Picks the dispatch by a cost rule. A pool that a kernel takes (linear modules, and units of such stages as it knows, in float32 on the CPU) is run by <c>wide</c>
/// while stages·operators + B·M·(multiply-adds + out·output) ≤ B·K·(multiply-adds + stages·choice), else by <c>kernel</c>. Any other pool is run by <c>wide</c> while
/// B·(M − K)·multiply-adds ≤ sorting + min(M, B·K)·segment + B·K·reading, else by <c>grouped</c>.
/// </summary>
/// <remarks>
/// <c>wide</c> runs all M modules on every row, and pays a price for its operators and one for every output. <c>kernel</c> runs the K
/// chosen modules and pays a price for every choice. <c>grouped</c> pays a fixed price for sorting and one for every module in use, and
/// reads every row K times. All prices are in multiply-adds that the machine does in the same time, so that both sides compare. A
/// <see cref="ModularGru"/> does not ask this rule where a kernel runs its whole window.
/// </remarks>
internal sealed class AutoDispatch : Dispatch
{
    // Fitted to medians of forward, and of forward and backward, on one and on two AVX-512 cores with OpenBLAS 0.3.21: 1,296 cases over B
    // from 32 to 4,096, width from 8 to 256, M from 2 to 64, and K from 1 to 11, sometimes more than M. In these cases the choice is 0.6 %
    // slower than the better dispatch in the mean, and at most 1.9 times slower. The kernel is slower where there are more choices than
    // modules, as an E-step's candidates may be, and where few narrow modules are all in use.
    private const long Operators = 800_000;
    private const long Output = 40;
    private const long Choice = 800;

    // A unit of several stages pays the prices of operators and of a choice once for each stage. With these, and its own price of what each stage gives, the choice is
    // 1.1 % slower than the better dispatch in the mean over 1,152 cases of units of two linear layers, with and without a layer normalisation, over B from 32 to
    // 2,048, width from 8 to 128, M from 2 to 64 and K from 1 to 11, on two AVX-512 cores beside other work; in 16 of them it is more than 1.3 times as slow.
    private const long UnitOutput = 80;

    // Fitted to medians of forward and backward of linear modules on two AVX2 cores with OpenBLAS, over B from 128 to 4,096, width from 8 to
    // 256 and M from 2 to 256. The price of reading was fitted to 3×3 convolutions on one core, with 3 to 32 channels in and 1 to 16 out,
    // images 8 to 32 wide, B 32 and 128, M from 4 to 32, K 1 and 2: there the choice is 5 % slower than the better dispatch in the mean
    // (17 % without that price). The costs of the two cross slowly, so a wrong choice mostly costs less than a factor of two.
    private const long Sorting = 500_000;
    private const long Segment = 200_000;

    // How many multiply-adds an accelerator makes in the time in which it moves a weight: gather moves each chosen weight about three times (it reads it, writes it and
    // reads it for the product), where wide multiplies M / K times as much. A rough estimate, not measured.
    private const long Bandwidth = 64;

    public override string Name => "auto";

    public override bool Fits(ModulePool pool) => true;

    public override Tensor Run(ModulePool pool, Tensor x, Tensor indices) =>
        For(pool, x, indices.shape[0], indices.shape[1]).Run(pool, x, indices);

    internal override Dispatch For(ModulePool pool, Tensor x, long rows, long positions) =>
        pool is SpreadPool ? Spread
        : Accelerator.Holds(x) ? ChooseForAccelerator(pool, positions)
        : pool is ConvPool convolutions && FusedModularConvolution.Takes(convolutions, x) ? Kernel
        : pool is LinearPool linear && FusedModularLinear.Takes(linear, x)
            ? ChooseForKernel(linear, rows, positions)
        : pool is ChainPool chain && UnitPlan.Of(chain, x, rows * positions) is UnitPlan unit
            ? ChooseForKernel(unit, rows, positions)
            : Choose(pool, x.shape[1..], rows, positions);

    /// <summary>The dispatch that the rule picks for B rows and K positions of a pool that the kernel takes.</summary>
    internal static Dispatch ChooseForKernel(LinearPool pool, long rows, long positions) =>
        ChooseForKernel(pool.Count, (long)pool.Inputs * pool.Outputs, pool.Outputs * Output, 1, rows, positions);

    /// <summary>The same of a pool of units.</summary>
    internal static Dispatch ChooseForKernel(UnitPlan unit, long rows, long positions) =>
        ChooseForKernel(unit.Modules, unit.MultiplyAdds, unit.Values * UnitOutput, unit.Stages.Count, rows, positions);

    private static Dispatch ChooseForKernel(long modules, long multiplyAdds, long outputs, long stages, long rows, long positions)
    {
        long wide = stages * Operators + rows * modules * (multiplyAdds + outputs);
        return wide <= rows * positions * (multiplyAdds + stages * Choice) ? Wide : Kernel;
    }

    /// <summary>
    /// The dispatch that the rule picks on an accelerator, where sorting would have the host wait: <c>gather</c> for linear modules while M > <see cref="Bandwidth"/>·K, else
    /// <c>wide</c>.
    /// </summary>
    internal static Dispatch ChooseForAccelerator(ModulePool pool, long positions) =>
        pool is LinearPool && pool.Count > Bandwidth * positions ? Gather : Wide;

    /// <summary>The dispatch that the rule picks for B rows of this shape and K positions of any other pool.</summary>
    internal static Dispatch Choose(ModulePool pool, long[] row, long rows, long positions)
    {
        if (pool.Cost(row) is not RowCost cost)
        {
            return Grouped;
        }

        long needless = rows * Math.Max(0, pool.Count - positions) * cost.MultiplyAdds;
        long grouping = Sorting + Math.Min(pool.Count, rows * positions) * Segment + rows * positions * cost.Reading;
        return needless <= grouping ? Wide : Grouped;
    }
}
