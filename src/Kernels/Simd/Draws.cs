namespace ModNet.Kernels;

/// <summary>
/// Draws a number from each row of few probabilities. As in <see cref="LogSoftmax"/>, registers hold the same number of as many rows as they have lanes; what a row draws
/// does not depend on the rows beside it.
/// </summary>
public static unsafe class Draws
{
    /// <summary>
    /// For every uniform number u in [0, 1), the first number up to which the probabilities of its row sum to more than u times their total. A number of probability 0 is never drawn.
    /// Of probabilities that are NaN it is any number.
    /// </summary>
    /// <param name="logs">[rows, width]: the logarithms of the probabilities, at most 0 but for rounding.</param>
    /// <param name="width">At least 1.</param>
    /// <param name="uniforms">[times, rows].</param>
    /// <param name="drawn">Out, overwritten: [times, rows].</param>
    /// <param name="cores">How many threads may work.</param>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    public static void Run(ReadOnlySpan<float> logs, int width, ReadOnlySpan<float> uniforms, Span<long> drawn, Cores cores)
    {
        Expected.AtLeast(width, 1, nameof(width));
        int rows = logs.Length / width;
        Expected.Length(logs.Length, (long)rows * width, nameof(logs), "[rows, width]");
        int times = rows == 0 ? 0 : uniforms.Length / rows;
        Expected.Length(uniforms.Length, (long)times * rows, nameof(uniforms), "[times, rows]");
        Expected.Length(drawn.Length, uniforms.Length, nameof(drawn), "[times, rows]");
        fixed (float* l = logs, u = uniforms)
        fixed (long* d = drawn)
        {
            cores.Run(new Task { Logs = l, Uniforms = u, Drawn = d, Rows = rows, Width = width, Times = times });
        }
    }

    private readonly struct Task : IKernel
    {
        // Handing fewer numbers than these to another thread costs more than it saves.
        private const long LeastWork = 1 << 14;

        internal float* Logs { get; init; }

        internal float* Uniforms { get; init; }

        internal long* Drawn { get; init; }

        internal int Rows { get; init; }

        internal int Width { get; init; }

        internal int Times { get; init; }

        public void Run<L, V>(int threads)
            where L : struct, ILanes<V>
            where V : struct
        {
            Task task = this;
            int blocks = (Rows + L.Count - 1) / L.Count;
            new Partition((long)Rows * Width * (1 + Times), LeastWork, threads).Run(blocks, (_, from, to) =>
            {
                using Scratch scratch = new((long)task.Width * L.Count, L.Count);
                scratch.Clear();
                float* sums = scratch.Take();
                float* own = scratch.Take();
                for (int block = from; block < to; block++)
                {
                    int row = block * L.Count;
                    task.Block<L, V>(row, Math.Min(L.Count, task.Rows - row), sums, own);
                }
            });
        }

        private void Block<L, V>(int row, int count, float* sums, float* own)
            where L : struct, ILanes<V>
            where V : struct
        {
            float* source = Logs + (long)row * Width;
            for (int r = 0; r < count; r++)
            {
                for (int i = 0; i < Width; i++)
                {
                    sums[i * L.Count + r] = source[r * Width + i];
                }
            }

            V total = L.Broadcast(0f), bits = L.Broadcast(Exponential.BitsPerNat), lowest = L.Broadcast(Exponential.Lowest);
            for (int i = 0; i < Width; i++)
            {
                V power = L.AtLeast(L.Multiply(L.Load(sums + i * L.Count), bits), lowest);
                // The least power may come out a little above 0, and then a module that is never to be drawn would be.
                total = L.Add(total, L.WherePositive(L.Subtract(power, lowest), Exponential.Two<L, V>(power)));
                L.Store(sums + i * L.Count, total);
            }

            V none = L.Broadcast(0f), one = L.Broadcast(1f);
            for (int time = 0; time < Times; time++)
            {
                long at = (long)time * Rows + row;
                LaneRows<L, V>.Copy(Uniforms + at, own, count);
                V bound = L.Multiply(L.Load(own), total), below = none;
                for (int i = 0; i < Width; i++)
                {
                    below = L.Add(below, L.WherePositive(L.Subtract(L.Load(sums + i * L.Count), bound), none, one));
                }

                L.Store(own, below);
                for (int r = 0; r < count; r++)
                {
                    Drawn[at + r] = Math.Min((long)own[r], Width - 1);
                }
            }
        }
    }
}
