using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace ModNet.Kernels;

/// <summary>
/// Cuts the products of a modular linear layer over blocks into tiles: of four by four, or fewer where there are few registers, and smaller ones at the edges. Between tiles
/// it asks for memory that the next block will need.
/// </summary>
internal static unsafe class ModularLinearBlocks<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    private const int Tile = ModularLinearLayout.Tile;

    // A tile's sums and what is multiplied have to fit the registers: 32 with AVX-512 and on Arm, else 16. Smaller tiles give the same bits.
    private static bool HasManyRegisters => Avx512F.VL.IsSupported || AdvSimd.IsSupported;

    // How many outputs, or registers of a sum over terms, a tile is wide.
    private static int Wide => HasManyRegisters ? Tile : 3;

    /// <summary>
    /// y[r, o] := x_r·w_o for a block of rows and a block of outputs. Parameters are as in the tiles. Rows of y are written up to the next multiple of four outputs, with zeros.
    /// </summary>
    internal static void Products(
        int length, float* x, int xStride, int rows, float* w, int wStride, int outputs, float* y, int yStride, ref Prefetch ahead)
    {
        int written = Scratch.RoundUp(outputs, Tile);
        for (int r = 0; r < rows; r += Tile, x += (long)Tile * xStride, y += (long)Tile * yStride)
        {
            ahead.Next((rows - r + Tile - 1) / Tile);
            float* part = w;
            for (int o = 0; o < outputs; o += Wide, part += (long)Wide * wStride)
            {
                int wide = Math.Min(Tile, written - o);
                switch (Math.Min(Wide, outputs - o))
                {
                    case 4: Products<Four>(rows - r, length, x, xStride, part, wStride, y + o, yStride, wide); break;
                    case 3: Products<Three>(rows - r, length, x, xStride, part, wStride, y + o, yStride, wide); break;
                    case 2: Products<Two>(rows - r, length, x, xStride, part, wStride, y + o, yStride, wide); break;
                    default: Products<One>(rows - r, length, x, xStride, part, wStride, y + o, yStride, wide); break;
                }
            }
        }
    }

    /// <summary>
    /// c[r, …] (+)= Σ_t a[r, t]·b[t, …] for a block of rows that is <paramref name="width"/> numbers wide, in whole registers. Parameters
    /// are as in the tiles.
    /// </summary>
    internal static void Accumulate(
        int terms, float* a, int aRow, int aTerm, int rows, float* b, int bTerm, int width, float* c, int cRow, bool fresh, ref Prefetch ahead)
    {
        int down = (rows + Tile - 1) / Tile;
        for (int i = 0; i < width; i += Wide * L.Count)
        {
            int tiles = (width - i + Wide * L.Count - 1) / (Wide * L.Count) * down;
            switch (Math.Min(Wide, (width - i) / L.Count))
            {
                case 4: Accumulate<Four>(terms, a, aRow, aTerm, rows, b + i, bTerm, c + i, cRow, fresh, ref ahead, tiles); break;
                case 3: Accumulate<Three>(terms, a, aRow, aTerm, rows, b + i, bTerm, c + i, cRow, fresh, ref ahead, tiles); break;
                case 2: Accumulate<Two>(terms, a, aRow, aTerm, rows, b + i, bTerm, c + i, cRow, fresh, ref ahead, tiles); break;
                default: Accumulate<One>(terms, a, aRow, aTerm, rows, b + i, bTerm, c + i, cRow, fresh, ref ahead, tiles); break;
            }
        }
    }

    private static void Products<O>(int rows, int length, float* x, int xStride, float* w, int wStride, float* y, int yStride, int wide)
        where O : struct, IExtent
    {
        switch (rows)
        {
            case 1: ModularLinearTiles<L, V>.Products<One, O>(length, x, xStride, w, wStride, y, yStride, wide); break;
            case 2: ModularLinearTiles<L, V>.Products<Two, O>(length, x, xStride, w, wStride, y, yStride, wide); break;
            case 3: ModularLinearTiles<L, V>.Products<Three, O>(length, x, xStride, w, wStride, y, yStride, wide); break;
            default: ModularLinearTiles<L, V>.Products<Four, O>(length, x, xStride, w, wStride, y, yStride, wide); break;
        }
    }

    // One column of tiles. So many tiles are left in all, these included.
    private static void Accumulate<C>(
        int terms, float* a, int aRow, int aTerm, int rows, float* b, int bTerm, float* c, int cRow, bool fresh, ref Prefetch ahead, int tiles)
        where C : struct, IExtent
    {
        for (int r = 0; r < rows; r += Tile, a += (long)Tile * aRow, c += (long)Tile * cRow, tiles--)
        {
            ahead.Next(tiles);
            switch (rows - r)
            {
                case 1: ModularLinearTiles<L, V>.Accumulate<One, C>(terms, a, aRow, aTerm, b, bTerm, c, cRow, fresh); break;
                case 2: ModularLinearTiles<L, V>.Accumulate<Two, C>(terms, a, aRow, aTerm, b, bTerm, c, cRow, fresh); break;
                case 3: ModularLinearTiles<L, V>.Accumulate<Three, C>(terms, a, aRow, aTerm, b, bTerm, c, cRow, fresh); break;
                default: ModularLinearTiles<L, V>.Accumulate<Four, C>(terms, a, aRow, aTerm, b, bTerm, c, cRow, fresh); break;
            }
        }
    }
}
