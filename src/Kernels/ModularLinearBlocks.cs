namespace ModNet.Kernels;

/// <summary>The products of a modular linear layer over blocks: tiles of four by four, and smaller ones at the edges.</summary>
internal static unsafe class ModularLinearBlocks<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    private const int Tile = ModularLinearLayout.Tile;

    /// <summary>y[r, o] := x_r·w_o for a block of rows and a block of outputs; meanwhile <paramref name="ahead"/> is fetched.</summary>
    internal static void Products(
        int length, float* x, int xStride, int rows, float* w, int wStride, int outputs, float* y, int yStride, ref Ahead ahead)
    {
        for (int r = 0; r < rows; r += Tile, x += (long)Tile * xStride, y += (long)Tile * yStride)
        {
            ahead.Fetch((rows - r + Tile - 1) / Tile);
            float* part = w;
            for (int o = 0; o < outputs; o += Tile, part += (long)Tile * wStride)
            {
                switch (Math.Min(Tile, outputs - o))
                {
                    case 4:
                        Products<Four>(rows - r, length, x, xStride, part, wStride, y + o, yStride);
                        break;
                    case 3:
                        Products<Three>(rows - r, length, x, xStride, part, wStride, y + o, yStride);
                        break;
                    case 2:
                        Products<Two>(rows - r, length, x, xStride, part, wStride, y + o, yStride);
                        break;
                    default:
                        Products<One>(rows - r, length, x, xStride, part, wStride, y + o, yStride);
                        break;
                }
            }
        }
    }

    /// <summary>
    /// c[r, …] (+)= Σ_t a[r, t]·b[t, …] for a block of rows, <paramref name="width"/> numbers wide, in whole registers. As
    /// <see cref="ModularLinearTiles{L, V}.Accumulate"/>; meanwhile <paramref name="ahead"/> is fetched.
    /// </summary>
    internal static void Accumulate(
        int terms, float* a, int aRow, int aTerm, int rows, float* b, int bTerm, int width, float* c, int cRow, bool fresh, ref Ahead ahead)
    {
        int down = (rows + Tile - 1) / Tile;
        for (int i = 0; i < width; i += Tile * L.Count)
        {
            int tiles = (width - i + Tile * L.Count - 1) / (Tile * L.Count) * down;
            switch (Math.Min(Tile, (width - i) / L.Count))
            {
                case 4:
                    Accumulate<Four>(terms, a, aRow, aTerm, rows, b + i, bTerm, c + i, cRow, fresh, ref ahead, tiles);
                    break;
                case 3:
                    Accumulate<Three>(terms, a, aRow, aTerm, rows, b + i, bTerm, c + i, cRow, fresh, ref ahead, tiles);
                    break;
                case 2:
                    Accumulate<Two>(terms, a, aRow, aTerm, rows, b + i, bTerm, c + i, cRow, fresh, ref ahead, tiles);
                    break;
                default:
                    Accumulate<One>(terms, a, aRow, aTerm, rows, b + i, bTerm, c + i, cRow, fresh, ref ahead, tiles);
                    break;
            }
        }
    }

    private static void Products<O>(int rows, int length, float* x, int xStride, float* w, int wStride, float* y, int yStride)
        where O : struct, IExtent
    {
        switch (rows)
        {
            case 1:
                ModularLinearTiles<L, V>.Products<One, O>(length, x, xStride, w, wStride, y, yStride);
                break;
            case 2:
                ModularLinearTiles<L, V>.Products<Two, O>(length, x, xStride, w, wStride, y, yStride);
                break;
            case 3:
                ModularLinearTiles<L, V>.Products<Three, O>(length, x, xStride, w, wStride, y, yStride);
                break;
            default:
                ModularLinearTiles<L, V>.Products<Four, O>(length, x, xStride, w, wStride, y, yStride);
                break;
        }
    }

    // The first of so many tiles that are left, one below the other.
    private static void Accumulate<C>(
        int terms,
        float* a,
        int aRow,
        int aTerm,
        int rows,
        float* b,
        int bTerm,
        float* c,
        int cRow,
        bool fresh,
        ref Ahead ahead,
        int tiles)
        where C : struct, IExtent
    {
        for (int r = 0; r < rows; r += Tile, a += (long)Tile * aRow, c += (long)Tile * cRow, tiles--)
        {
            ahead.Fetch(tiles);
            switch (rows - r)
            {
                case 1:
                    ModularLinearTiles<L, V>.Accumulate<One, C>(terms, a, aRow, aTerm, b, bTerm, c, cRow, fresh);
                    break;
                case 2:
                    ModularLinearTiles<L, V>.Accumulate<Two, C>(terms, a, aRow, aTerm, b, bTerm, c, cRow, fresh);
                    break;
                case 3:
                    ModularLinearTiles<L, V>.Accumulate<Three, C>(terms, a, aRow, aTerm, b, bTerm, c, cRow, fresh);
                    break;
                default:
                    ModularLinearTiles<L, V>.Accumulate<Four, C>(terms, a, aRow, aTerm, b, bTerm, c, cRow, fresh);
                    break;
            }
        }
    }
}
