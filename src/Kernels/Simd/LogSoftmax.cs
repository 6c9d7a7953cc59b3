namespace ModNet.Kernels;

/// <summary>
/// The logarithm of a softmax over rows of few numbers. Registers hold the same number of as many rows as they have lanes, so that short rows
/// fill them too; a row's results are the same bits whichever rows are beside it.
/// </summary>
public static unsafe class LogSoftmax
{
    /// <summary>Computes x − log Σ e^x of every row.</summary>
    /// <param name="x">[rows, width].</param>
    /// <param name="width">At least 1.</param>
    /// <param name="y">Out, overwritten: [rows, width].</param>
    /// <param name="cores">How many threads may work.</param>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    public static void Forward(ReadOnlySpan<float> x, int width, Span<float> y, Cores cores)
    {
        Expected.AtLeast(width, 1, nameof(width));
        Expected.Length(x.Length, (long)(x.Length / width) * width, nameof(x), "[rows, width]");
        Expected.Length(y.Length, x.Length, nameof(y), "[rows, width]");
        fixed (float* px = x, py = y)
        {
            cores.Run(new Task { X = px, Y = py, Rows = x.Length / width, Width = width });
        }
    }

    private readonly struct Task : IKernel
    {
        // Handing fewer numbers than these to another thread costs more than it saves.
        private const long LeastWork = 1 << 14;

        internal float* X { get; init; }

        internal float* Y { get; init; }

        internal int Rows { get; init; }

        internal int Width { get; init; }

        public void Run<L, V>(int threads)
            where L : struct, ILanes<V>
            where V : struct
        {
            Task task = this;
            int blocks = (Rows + L.Count - 1) / L.Count;
            new Partition((long)Rows * Width, LeastWork, threads).Run(blocks, (_, from, to) =>
            {
                using Scratch scratch = new((long)task.Width * L.Count, L.Count);
                scratch.Clear();
                float* columns = scratch.Take();
                float* sums = scratch.Take();
                for (int block = from; block < to; block++)
                {
                    int row = block * L.Count;
                    task.Block<L, V>(row, Math.Min(L.Count, task.Rows - row), columns, sums);
                }
            });
        }

        private void Block<L, V>(int row, int count, float* columns, float* sums)
            where L : struct, ILanes<V>
            where V : struct
        {
            float* source = X + (long)row * Width;
            float* target = Y + (long)row * Width;
            for (int r = 0; r < count; r++)
            {
                for (int i = 0; i < Width; i++)
                {
                    columns[i * L.Count + r] = source[r * Width + i];
                }
            }

            V most = L.Load(columns);
            for (int i = 1; i < Width; i++)
            {
                most = L.Max(most, L.Load(columns + i * L.Count));
            }

            V sum = L.Broadcast(0f), bits = L.Broadcast(Exponential.BitsPerNat), lowest = L.Broadcast(Exponential.Lowest);
            for (int i = 0; i < Width; i++)
            {
                V below = L.Subtract(L.Load(columns + i * L.Count), most);
                L.Store(columns + i * L.Count, below);
                sum = L.Add(sum, Exponential.Two<L, V>(L.AtLeast(L.Multiply(below, bits), lowest)));
            }

            L.Store(sums, sum);
            for (int r = 0; r < count; r++)
            {
                sums[r] = MathF.Log(sums[r]);
            }

            V logs = L.Load(sums);
            for (int i = 0; i < Width; i++)
            {
                L.Store(columns + i * L.Count, L.Subtract(L.Load(columns + i * L.Count), logs));
            }

            for (int r = 0; r < count; r++)
            {
                for (int i = 0; i < Width; i++)
                {
                    target[r * Width + i] = columns[i * L.Count + r];
                }
            }
        }
    }
}
