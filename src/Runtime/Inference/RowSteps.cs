using System.Numerics.Tensors;
using ModNet.Kernels;

namespace ModNet.Runtime;

/// <summary>One step of a <see cref="Predictor"/>: it computes a value of all rows from earlier ones.</summary>
internal abstract class RowStep
{
    /// <summary>Runs the step on so many rows, on at most so many threads.</summary>
    internal abstract void Run(RowMemory memory, int rows, int threads);
}

/// <summary>
/// Linear modules with their activation: x [B, in] → [B, K·out], the modules' outputs side by side. Without choices there is one module for all rows.
/// </summary>
internal sealed class LinearStep(
    RowValue x, RowChoices? choices, RowValue y, float[] weight, float[] bias, ModularLinearSize size, Activation activation) : RowStep
{
    internal override void Run(RowMemory memory, int rows, int threads)
    {
        Span<float> outputs = memory.Of(y, rows);
        ModularLinear.Forward(
            size with { Rows = rows },
            memory.Of(x, rows),
            choices is RowChoices chosen ? memory.Of(chosen, rows) : memory.Zeros(rows),
            weight,
            bias,
            outputs,
            threads);
        if (!size.Relu)
        {
            activation.Apply(outputs, size.Outputs);
        }
    }
}

/// <summary>The most probable module of every position: logits [B, K·M] → [B, K].</summary>
internal sealed class ModeStep(RowValue logits, RowChoices choices) : RowStep
{
    internal override void Run(RowMemory memory, int rows, int threads)
    {
        Span<float> all = memory.Of(logits, rows);
        Span<long> chosen = memory.Of(choices, rows);
        int modules = logits.Width / choices.Choose;
        for (int i = 0; i < chosen.Length; i++)
        {
            chosen[i] = TensorPrimitives.IndexOfMax<float>(all.Slice(i * modules, modules));
        }
    }
}

/// <summary>The same K modules for every row.</summary>
internal sealed class SameStep(long[] modules, RowChoices choices) : RowStep
{
    internal override void Run(RowMemory memory, int rows, int threads)
    {
        Span<long> chosen = memory.Of(choices, rows);
        for (int row = 0; row < rows; row++)
        {
            modules.CopyTo(chosen[(row * modules.Length)..]);
        }
    }
}

/// <summary>The sum of K outputs: [B, K·out] → [B, out]; under <see cref="Duplicates.Once"/> without those of modules that stand at an earlier position too.</summary>
internal sealed class SumStep(RowValue outputs, RowChoices choices, RowValue y, Duplicates duplicates) : RowStep
{
    internal override void Run(RowMemory memory, int rows, int threads)
    {
        Span<float> all = memory.Of(outputs, rows);
        Span<float> sums = memory.Of(y, rows);
        Span<long> chosen = memory.Of(choices, rows);
        (int width, int choose) = (y.Width, choices.Choose);
        for (int row = 0; row < rows; row++)
        {
            Span<float> sum = sums.Slice(row * width, width);
            all.Slice(row * choose * width, width).CopyTo(sum);
            ReadOnlySpan<long> modules = chosen.Slice(row * choose, choose);
            for (int k = 1; k < choose; k++)
            {
                if (duplicates == Duplicates.Every || !modules[..k].Contains(modules[k]))
                {
                    TensorPrimitives.Add(sum, all.Slice((row * choose + k) * width, width), sum);
                }
            }
        }
    }
}

/// <summary>A nonlinearity: x [B, n] → [B, n].</summary>
internal sealed class ActivationStep(RowValue x, RowValue y, Activation activation) : RowStep
{
    internal override void Run(RowMemory memory, int rows, int threads)
    {
        Span<float> values = memory.Of(y, rows);
        memory.Of(x, rows).CopyTo(values);
        activation.Apply(values, y.Width);
    }
}

/// <summary>x·scale + shift, value by value of a row: [B, n] → [B, n].</summary>
internal sealed class ScaleStep(RowValue x, RowValue y, float[] scale, float[] shift) : RowStep
{
    internal override void Run(RowMemory memory, int rows, int threads)
    {
        Span<float> values = memory.Of(x, rows);
        Span<float> scaled = memory.Of(y, rows);
        int width = x.Width;
        for (int row = 0; row < rows; row++)
        {
            TensorPrimitives.MultiplyAdd(values.Slice(row * width, width), scale, shift, scaled.Slice(row * width, width));
        }
    }
}

/// <summary>(x − mean) / √(variance + 1e-5) of every row: [B, n] → [B, n].</summary>
internal sealed class NormaliseStep(RowValue x, RowValue y) : RowStep
{
    internal override void Run(RowMemory memory, int rows, int threads)
    {
        Span<float> values = memory.Of(x, rows);
        Span<float> normed = memory.Of(y, rows);
        int width = x.Width;
        for (int row = 0; row < rows; row++)
        {
            Span<float> own = normed.Slice(row * width, width);
            ReadOnlySpan<float> given = values.Slice(row * width, width);
            TensorPrimitives.Subtract(given, TensorPrimitives.Sum(given) / width, own);
            TensorPrimitives.Multiply(own, 1 / MathF.Sqrt(TensorPrimitives.SumOfSquares<float>(own) / width + 1e-5f), own);
        }
    }
}

/// <summary>a + b, or a − b: [B, n] → [B, n].</summary>
internal sealed class AddStep(RowValue a, RowValue b, RowValue y, bool subtracts) : RowStep
{
    internal override void Run(RowMemory memory, int rows, int threads)
    {
        Span<float> left = memory.Of(a, rows);
        Span<float> right = memory.Of(b, rows);
        Span<float> sum = memory.Of(y, rows);
        if (subtracts)
        {
            TensorPrimitives.Subtract(left, right, sum);
        }
        else
        {
            TensorPrimitives.Add(left, right, sum);
        }
    }
}

/// <summary>Some of a row's numbers, copied to a place in another value: [B, n] → [B, m].</summary>
internal sealed class CopyStep(RowValue x, int from, int length, RowValue y, int to) : RowStep
{
    internal override void Run(RowMemory memory, int rows, int threads)
    {
        Span<float> source = memory.Of(x, rows);
        Span<float> target = memory.Of(y, rows);
        for (int row = 0; row < rows; row++)
        {
            source.Slice(row * x.Width + from, length).CopyTo(target[(row * y.Width + to)..]);
        }
    }
}
