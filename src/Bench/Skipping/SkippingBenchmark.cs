using System.Text.Json.Nodes;
using ModNet.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Bench;

/// <summary>
/// A linear layer on activations that are mostly zeros: ours, which skips zeros one by one or in blocks, beside libtorch's dense product on the same
/// numbers and as many threads. Zeros lie anywhere, or whole blocks are zero, as in a network whose units are ordered by community.
/// </summary>
public static class SkippingBenchmark
{
    private const string Dense = "libtorch, dense";
    private const int Block = 16;

    /// <summary>Shares of zeros from 50 to 95 %, each scattered and in blocks.</summary>
    public static IEnumerable<BenchCase> Run(BenchSettings settings, IReadOnlyList<Peer> peers)
    {
        (int rows, int inputs, int outputs) = settings.Tiny ? (5, 32, 20) : (256, 1024, 1024);
        double[] shares = settings.Tiny ? [0.5] : [0.5, 0.75, 0.9, 0.95];
        foreach (double zeros in shares)
        {
            foreach (bool inBlocks in new[] { false, true })
            {
                yield return Case(settings, rows, inputs, outputs, zeros, inBlocks);
            }
        }
    }

    private static BenchCase Case(BenchSettings settings, int rows, int inputs, int outputs, double zeros, bool inBlocks)
    {
        string name = FormattableString.Invariant($"{rows} × {inputs} → {outputs}, {100 * zeros:0} % zeros {(inBlocks ? $"in blocks of {Block}" : "anywhere")}");
        settings.Say(name);
        var random = new Random(1);
        float[] Draw(int length) => [.. Enumerable.Range(0, length).Select(_ => random.NextSingle() - 0.5f)];
        (float[] w, float[] b, float[] x) = (Draw(inputs * outputs), Draw(outputs), Draw(rows * inputs));
        Clear(x, inBlocks ? Block : 1, zeros, random);
        float[] y = new float[rows * outputs];
        using var noGrad = no_grad();
        using Tensor weight = tensor(w, outputs, inputs), bias = tensor(b), given = tensor(x, rows, inputs);
        SkippingLinear each = new(w, b, inputs, outputs, 1), blocks = new(w, b, inputs, outputs, Block);
        IReadOnlyList<Timing> timings = Interleaved.Measure(
            [
                Contender.Here("ModNet, each zero", () => each.Forward(x, y, settings.Threads)),
                Contender.Here($"ModNet, blocks of {Block}", () => blocks.Forward(x, y, settings.Threads)),
                Contender.Here(Dense, () => nn.functional.linear(given, weight, bias).Dispose()),
            ],
            settings.Pace,
            settings.Say,
            settings.Stop);
        JsonObject facts = new()
        {
            ["zeros"] = 1 - x.Count(value => value != 0) / (double)x.Length,
            ["in_blocks_that_are_skipped"] = 1 - blocks.Used(x) / (double)x.Length,
            ["dense_gflops"] = Math.Round(2.0 * rows * inputs * outputs / timings[2].Seconds.Median / 1e9, 1),
        };
        return new(name, timings, [.. timings.Take(2).Select(t => Ratio.Of($"{Dense} / {t.Name}", timings[2], t))], facts);
    }

    private static void Clear(float[] x, int block, double zeros, Random random)
    {
        for (int start = 0; start < x.Length; start += block)
        {
            if (random.NextDouble() < zeros)
            {
                x.AsSpan(start, block).Clear();
            }
        }
    }
}
