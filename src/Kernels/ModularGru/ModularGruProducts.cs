using System.Runtime.CompilerServices;

namespace ModNet.Kernels;

/// <summary>The matrix-vector products of a modular GRU, and small things that both ways need.</summary>
internal static unsafe class ModularGruProducts<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    /// <summary>output := bias + inputᵀ·weights, where weights are [inputs, width] and width is in whole registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Forward(float* input, int inputs, float* weights, float* bias, int width, float* output)
    {
        int at = 0;
        for (; at + 4 * L.Count <= width; at += 4 * L.Count)
        {
            V a0 = L.Load(bias + at);
            V a1 = L.Load(bias + at + L.Count);
            V a2 = L.Load(bias + at + 2 * L.Count);
            V a3 = L.Load(bias + at + 3 * L.Count);
            float* w = weights + at;
            for (int i = 0; i < inputs; i++, w += width)
            {
                V x = L.Broadcast(input[i]);
                a0 = L.MultiplyAdd(x, L.Load(w), a0);
                a1 = L.MultiplyAdd(x, L.Load(w + L.Count), a1);
                a2 = L.MultiplyAdd(x, L.Load(w + 2 * L.Count), a2);
                a3 = L.MultiplyAdd(x, L.Load(w + 3 * L.Count), a3);
            }

            L.Store(output + at, a0);
            L.Store(output + at + L.Count, a1);
            L.Store(output + at + 2 * L.Count, a2);
            L.Store(output + at + 3 * L.Count, a3);
        }

        for (; at < width; at += L.Count)
        {
            Column(input, inputs, weights + at, L.Load(bias + at), width, output + at);
        }
    }

    /// <summary>
    /// The way back through output = inputᵀ·weightsᵀ, where weights are [rows, inputs] and inputs is in whole registers. Adds to the
    /// gradient of the weights and, unless that is null, to the input's.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Backward(
        float* outputGradient, int rows, float* weights, float* weightGradient, float* input, float* inputGradient, int inputs)
    {
        int at = 0;
        for (; at + 4 * L.Count <= inputs; at += 4 * L.Count)
        {
            V x0 = L.Load(input + at);
            V x1 = L.Load(input + at + L.Count);
            V x2 = L.Load(input + at + 2 * L.Count);
            V x3 = L.Load(input + at + 3 * L.Count);
            float* g = weightGradient + at;
            for (int row = 0; row < rows; row++, g += inputs)
            {
                V d = L.Broadcast(outputGradient[row]);
                L.Store(g, L.MultiplyAdd(d, x0, L.Load(g)));
                L.Store(g + L.Count, L.MultiplyAdd(d, x1, L.Load(g + L.Count)));
                L.Store(g + 2 * L.Count, L.MultiplyAdd(d, x2, L.Load(g + 2 * L.Count)));
                L.Store(g + 3 * L.Count, L.MultiplyAdd(d, x3, L.Load(g + 3 * L.Count)));
            }
        }

        for (; at < inputs; at += L.Count)
        {
            V x = L.Load(input + at);
            float* g = weightGradient + at;
            for (int row = 0; row < rows; row++, g += inputs)
            {
                L.Store(g, L.MultiplyAdd(L.Broadcast(outputGradient[row]), x, L.Load(g)));
            }
        }

        if (inputGradient is not null)
        {
            // Weights lie the other way round here, so this is the same product as on the way forward.
            Forward(outputGradient, rows, weights, inputGradient, inputs, inputGradient);
        }
    }

    /// <summary>target := source, or zeros where there is no source (null).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Copy(float* source, float* target, int length)
    {
        Span<float> all = new(target, length);
        if (source is null)
        {
            all.Clear();
        }
        else
        {
            new ReadOnlySpan<float>(source, length).CopyTo(all);
        }
    }

    /// <summary>destination += source, for a length in whole registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Add(float* destination, float* source, int length)
    {
        for (int i = 0; i < length; i += L.Count)
        {
            L.Store(destination + i, L.Add(L.Load(destination + i), L.Load(source + i)));
        }
    }

    /// <summary>e^x of log-probabilities, x ≤ 0. NaN becomes 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Exp(V x) => Exponential.Two<L, V>(
        L.Clamp(L.Multiply(x, L.Broadcast(Exponential.BitsPerNat)), L.Broadcast(Exponential.Lowest), L.Broadcast(0f)));

    /// <summary>Whether a position before position k chose the same module.</summary>
    internal static bool Repeats(long* chosen, int k)
    {
        bool repeats = false;
        for (int j = 0; j < k; j++)
        {
            repeats |= chosen[j] == chosen[k];
        }

        return repeats;
    }

    // A product with weights one register wide. It has four sums, because each step of a single one would wait for the step before.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column(float* input, int inputs, float* weights, V bias, int width, float* output)
    {
        V a0 = bias, a1 = L.Broadcast(0f), a2 = a1, a3 = a1;
        float* w = weights;
        int i = 0;
        for (; i + 4 <= inputs; i += 4, w += 4 * width)
        {
            a0 = L.MultiplyAdd(L.Broadcast(input[i]), L.Load(w), a0);
            a1 = L.MultiplyAdd(L.Broadcast(input[i + 1]), L.Load(w + width), a1);
            a2 = L.MultiplyAdd(L.Broadcast(input[i + 2]), L.Load(w + 2 * width), a2);
            a3 = L.MultiplyAdd(L.Broadcast(input[i + 3]), L.Load(w + 3 * width), a3);
        }

        for (; i < inputs; i++, w += width)
        {
            a0 = L.MultiplyAdd(L.Broadcast(input[i]), L.Load(w), a0);
        }

        L.Store(output, L.Add(L.Add(a0, a1), L.Add(a2, a3)));
    }
}
