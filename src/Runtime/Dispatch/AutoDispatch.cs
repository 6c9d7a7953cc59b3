using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The cost rule. Of linear pools that the kernel takes (float32 on the CPU), <c>wide</c> spends all M modules on every row, a price on
/// every output, and one on its operators; <c>kernel</c> the K chosen modules, and a price on every choice: wide while
/// operators + B·M·(multiply-adds + out·output) ≤ B·K·(multiply-adds + choice). Of all other pools <c>grouped</c> spends a fixed price on
/// sorting, a price on every module in use, and reads every row K times: wide while
/// B·(M − K)·multiply-adds ≤ sorting + min(M, B·K)·segment + B·K·reading. All prices are given in the multiply-adds that the machine does
/// meanwhile, so that the two sides compare. A <see cref="ModularGru"/> does not come here where a kernel runs its whole window.
/// </summary>
internal sealed class AutoDispatch : Dispatch
{
    // Fitted, of prices in powers of two apart, to medians of forward, and of forward and backward, on one and on two AVX-512 cores with
    // OpenBLAS 0.3.21, over B 32 to 4,096, width 8 to 256, M 2 to 64, K 1 to 11, more than M among them: 1,296 cases, in which the choice is
    // 0.6 % slower than the better one in the mean, at most 1.9 times. The kernel is behind where there are more choices than modules, as
    // an E-step's candidates may be, and where few narrow modules are all in use.
    private const long Operators = 800_000;
    private const long Output = 40;
    private const long Choice = 800;

    // The others', fitted, for linear modules, to medians of forward and backward on two AVX2 cores with OpenBLAS, over B 128 to 4,096,
    // width 8 to 256 and M 2 to 256; and the price of reading, for 3×3 convolutions of 3 to 32 channels in and 1 to 16 out, on images
    // 32 to 8 wide, B 32 and 128, M 4 to 32, K 1 and 2, on one core: there the choice is 5 % slower than the better one in the mean (17 %
    // without that price). The two strategies cross slowly: where the rule errs, it mostly costs less than a factor of two.
    private const long Sorting = 500_000;
    private const long Segment = 200_000;

    public override string Name => "auto";

    public override Tensor Run(ModulePool pool, Tensor x, Tensor indices) =>
        For(pool, x, indices.shape[0], indices.shape[1]).Run(pool, x, indices);

    internal override Dispatch For(ModulePool pool, Tensor x, long rows, long positions) =>
        pool is LinearPool linear && FusedModularLinear.Takes(linear, x)
            ? ChooseForKernel(linear, rows, positions)
            : Choose(pool, x.shape[1..], rows, positions);

    /// <summary>The dispatch that the rule picks for B rows and K positions of a pool that the kernel takes.</summary>
    internal static Dispatch ChooseForKernel(LinearPool pool, long rows, long positions)
    {
        long multiplyAdds = (long)pool.Inputs * pool.Outputs;
        long wide = Operators + rows * pool.Count * (multiplyAdds + pool.Outputs * Output);
        return wide <= rows * positions * (multiplyAdds + Choice) ? Wide : Kernel;
    }

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
