using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ModNet.Bench;

/// <summary>What the machine can do at most with so many threads: measured, the best of several.</summary>
/// <param name="Gflops">Floating-point operations of float32 multiply-adds in registers, in units of 1e9 a second.</param>
/// <param name="Gigabytes">Bytes read and written by a copy from memory to memory, in units of 1e9 a second.</param>
public sealed record Peak(double Gflops, double Gigabytes)
{
    private const int Times = 5;

    // Multiply-adds that wait for nobody: latency times throughput is 8 to 10 on machines of today.
    private const int Chains = 12;

    /// <summary>Measures both; <paramref name="tiny"/> for tests, where the numbers do not matter.</summary>
    public static Peak Measure(int threads, bool tiny)
    {
        int rounds = tiny ? 1000 : 20_000_000;
        int floats = tiny ? 1 << 12 : 1 << 26;
        int lanes = Vector512.IsHardwareAccelerated ? Vector512<float>.Count : Vector256<float>.Count;
        double multiplying = Best(threads, (_, _) => Vector512.IsHardwareAccelerated ? Multiply512(rounds) : Multiply256(rounds));
        var source = new float[floats];
        var target = new float[floats];
        double copying = Best(threads, (thread, of) =>
        {
            int from = (int)((long)floats * thread / of), to = (int)((long)floats * (thread + 1) / of);
            source.AsSpan(from, to - from).CopyTo(target.AsSpan(from));
            return target[from];
        });
        return new(
            2.0 * lanes * Chains * rounds * threads / multiplying / 1e9,
            2.0 * sizeof(float) * floats / copying / 1e9);
    }

    // Seconds that all threads take together.
    private static double Best(int threads, Func<int, int, float> work)
    {
        double best = double.PositiveInfinity;
        for (int i = 0; i <= Times; i++)
        {
            long start = Stopwatch.GetTimestamp();
            Parallel.For(0, threads, new() { MaxDegreeOfParallelism = threads }, t => Keep(work(t, threads)));
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Keep(float value) => GC.KeepAlive(value);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Multiply512(int rounds)
    {
        Vector512<float> x = Vector512.Create(0.999f), y = Vector512.Create(0.001f);
        Vector512<float> a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
        for (int n = 0; n < rounds; n++)
        {
            a = Vector512.FusedMultiplyAdd(a, x, y);
            b = Vector512.FusedMultiplyAdd(b, x, y);
            c = Vector512.FusedMultiplyAdd(c, x, y);
            d = Vector512.FusedMultiplyAdd(d, x, y);
            e = Vector512.FusedMultiplyAdd(e, x, y);
            f = Vector512.FusedMultiplyAdd(f, x, y);
            g = Vector512.FusedMultiplyAdd(g, x, y);
            h = Vector512.FusedMultiplyAdd(h, x, y);
            i = Vector512.FusedMultiplyAdd(i, x, y);
            j = Vector512.FusedMultiplyAdd(j, x, y);
            k = Vector512.FusedMultiplyAdd(k, x, y);
            l = Vector512.FusedMultiplyAdd(l, x, y);
        }

        return Vector512.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Multiply256(int rounds)
    {
        Vector256<float> x = Vector256.Create(0.999f), y = Vector256.Create(0.001f);
        Vector256<float> a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
        for (int n = 0; n < rounds; n++)
        {
            a = Vector256.FusedMultiplyAdd(a, x, y);
            b = Vector256.FusedMultiplyAdd(b, x, y);
            c = Vector256.FusedMultiplyAdd(c, x, y);
            d = Vector256.FusedMultiplyAdd(d, x, y);
            e = Vector256.FusedMultiplyAdd(e, x, y);
            f = Vector256.FusedMultiplyAdd(f, x, y);
            g = Vector256.FusedMultiplyAdd(g, x, y);
            h = Vector256.FusedMultiplyAdd(h, x, y);
            i = Vector256.FusedMultiplyAdd(i, x, y);
            j = Vector256.FusedMultiplyAdd(j, x, y);
            k = Vector256.FusedMultiplyAdd(k, x, y);
            l = Vector256.FusedMultiplyAdd(l, x, y);
        }

        return Vector256.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }
}
