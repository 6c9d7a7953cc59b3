namespace ModNet.Kernels;

/// <summary>One call of a linear map that skips zeros: its data, pinned.</summary>
internal readonly unsafe struct SkippingLinearTask : IKernel
{
    // Handing fewer multiply-adds than these to another thread costs more than it saves.
    private const long LeastWork = 1 << 17;

    internal SkippingLinear Map { get; init; }
    internal int Rows { get; init; }
    internal float* X { get; init; }    // [B, in]
    internal float* Y { get; init; }    // [B, out], written

    public void Run<L, V>(int threads)
        where L : struct, ILanes<V>
        where V : struct
    {
        SkippingLinearTask task = this;
        const int tile = SkippingLinearWorker<L, V>.Tile;
        int tiles = (Rows + tile - 1) / tile;
        new Partition((long)Rows * Map.Inputs * Map.Outputs, LeastWork, threads).Run(tiles, (_, from, to) =>
        {
            if (from < to)
            {
                using SkippingLinearWorker<L, V> worker = new(task);
                worker.Forward(from, to);
            }
        });
    }
}
