using System.Numerics;
using System.Runtime.CompilerServices;

namespace ModNet.Kernels;

/// <summary>
/// A linear map y = W·x + b for many rows x, most of whose numbers are zeros, as a ReLU leaves them: blocks of inputs that are all zero in a row are
/// skipped, and their weights not read. It keeps a copy of the weights of its own, input by input, so that the weights of a block lie side by side.
/// <para>
/// A sum is added up in the order of the inputs, so a row's output is that of the dense product up to rounding, and exactly the bias where the whole row is zero.
/// A weight that is infinite or NaN is not noticed behind a zero. Results are the same bits whatever the number of threads.
/// </para>
/// </summary>
public sealed unsafe class SkippingLinear
{
    private readonly float[] _pinned;

    /// <summary>Copies the weights.</summary>
    /// <param name="weight">W, [out, in].</param>
    /// <param name="bias">b, [out]; empty where there is none.</param>
    /// <param name="inputs">in ≥ 1.</param>
    /// <param name="outputs">out ≥ 1.</param>
    /// <param name="block">
    /// How many inputs are skipped together: a power of two. With 1 every zero is skipped. The last block has the inputs that are left.
    /// </param>
    /// <exception cref="ArgumentException">A length does not fit the sizes, or the block is no power of two.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1.</exception>
    public SkippingLinear(ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, int inputs, int outputs, int block)
    {
        Expected.AtLeast(inputs, 1, nameof(inputs));
        Expected.AtLeast(outputs, 1, nameof(outputs));
        Expected.AtLeast(block, 1, nameof(block));
        Expected.Length(weight.Length, (long)inputs * outputs, nameof(weight), "[out, in]");
        Expected.LengthOrNone(bias.Length, outputs, nameof(bias), "[out]");
        if (!BitOperations.IsPow2(block))
        {
            throw new ArgumentException($"{nameof(block)}: expected a power of two, got {block}.", nameof(block));
        }

        (Inputs, Outputs, Block) = (inputs, outputs, block);
        // An odd number of cache lines, so that the weights of several inputs fall into different sets of a cache.
        Stride = (Scratch.RoundUp(outputs, Scratch.Line) / Scratch.Line | 1) * Scratch.Line;
        // A row of zeros, or biases, stands before the weights.
        _pinned = GC.AllocateArray<float>(checked((inputs + 1) * Stride + Scratch.Line), pinned: true);
        Bias = Aligned(_pinned);
        for (int o = 0; o < outputs; o++)
        {
            Bias[o] = bias.IsEmpty ? 0f : bias[o];
            for (int i = 0; i < inputs; i++)
            {
                Weight[(long)i * Stride + o] = weight[o * inputs + i];
            }
        }
    }

    /// <summary>in, the width of x.</summary>
    public int Inputs { get; }

    /// <summary>out, the width of y.</summary>
    public int Outputs { get; }

    /// <summary>How many inputs are skipped together.</summary>
    public int Block { get; }

    /// <summary>From the weights of one input to those of the next: out in whole registers of every width.</summary>
    internal int Stride { get; }

    /// <summary>[stride], with zeros behind the last output.</summary>
    internal float* Bias { get; }

    /// <summary>[in, stride], with zeros behind the last output.</summary>
    internal float* Weight => Bias + Stride;

    /// <summary>Computes y for every row of x.</summary>
    /// <param name="x">[B, in].</param>
    /// <param name="y">Out, overwritten: [B, out].</param>
    /// <param name="cores">How many threads may work.</param>
    /// <exception cref="ArgumentException">A length does not fit the sizes.</exception>
    public void Forward(ReadOnlySpan<float> x, Span<float> y, Cores cores)
    {
        int rows = Rows(x);
        Expected.Length(y.Length, (long)rows * Outputs, nameof(y), "[B, out]");
        fixed (float* px = x, py = y)
        {
            cores.Run(new SkippingLinearTask { Map = this, Rows = rows, X = px, Y = py });
        }

        GC.KeepAlive(_pinned);
    }

    /// <summary>
    /// How many inputs lie in blocks that are not all zero, over all rows: what is left of B · in.
    /// </summary>
    /// <param name="x">[B, in].</param>
    /// <exception cref="ArgumentException">The length is not one of whole rows.</exception>
    public long Used(ReadOnlySpan<float> x)
    {
        long used = 0;
        for (int row = 0; row < Rows(x); row++)
        {
            ReadOnlySpan<float> own = x.Slice(row * Inputs, Inputs);
            for (int start = 0; start < Inputs; start += Block)
            {
                ReadOnlySpan<float> block = own.Slice(start, Math.Min(Block, Inputs - start));
                used += block.ContainsAnyExcept(0f) ? block.Length : 0;
            }
        }

        return used;
    }

    private int Rows(ReadOnlySpan<float> x)
    {
        int rows = x.Length / Inputs;
        Expected.Length(x.Length, (long)rows * Inputs, nameof(x), "[B, in]");
        return rows;
    }

    private static float* Aligned(float[] pinned)
    {
        nuint bytes = Scratch.Line * sizeof(float);
        return (float*)(((nuint)Unsafe.AsPointer(ref pinned[0]) + bytes - 1) & ~(bytes - 1));
    }
}
