using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The cost rule: <c>wide</c> spends (M − K) needless modules on every row; <c>grouped</c> spends a fixed price on sorting,
/// a price on every module in use, and reads every row K times. All prices are given in the multiply-adds that the machine does
/// meanwhile, so that the two sides compare: wide while B·(M − K)·multiply-adds ≤ sorting + min(M, B·K)·segment + B·K·reading.
/// A <see cref="ModularGru"/> does not come here where a kernel runs its whole window.
/// </summary>
internal sealed class AutoDispatch : Dispatch
{
    // Fitted, for linear modules, to medians of forward and backward on two AVX2 cores with OpenBLAS, over B 128 to 4,096,
    // width 8 to 256 and M 2 to 256; and the price of reading, for 3×3 convolutions of 3 to 32 channels in and 1 to 16 out, on images
    // 32 to 8 wide, B 32 and 128, M 4 to 32, K 1 and 2, on one core: there the choice is 5 % slower than the better one in the mean (17 %
    // without that price). The two strategies cross slowly: where the rule errs, it mostly costs less than a factor of two.
    private const long Sorting = 500_000;
    private const long Segment = 200_000;

    public override string Name => "auto";

    public override Tensor Run(ModulePool pool, Tensor x, Tensor indices) =>
        Choose(pool, x.shape[1..], indices.shape[0], indices.shape[1]).Run(pool, x, indices);

    /// <summary>The dispatch that the rule picks for B rows of this shape and K positions.</summary>
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
