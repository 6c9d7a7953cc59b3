using System.Collections.Concurrent;
using TorchSharp;

namespace ModNet.Runtime;

/// <summary>
/// A trained network that answers at once: it runs on rows of numbers by our kernels alone, with no tensor of libtorch on the way, so that a single row takes
/// microseconds. It has copies of the weights as they were when it was made. Several threads may ask at the same time.
/// </summary>
/// <remarks>
/// It takes networks of vectors, and of images that are flattened, on any device, in float32, with linear layers, norms, containers and modular layers whose
/// modules are single linear layers. Its numbers are those of <see cref="Graph.Forward"/> up to rounding, so where two modules or classes are equally probable
/// to the last bits, it may take the other.
/// </remarks>
/// <example><code>Predictor predictor = Predictor.Of(graph, new ModeSelector(), [4]);
/// predictor.Run([5.1f, 3.5f, 1.4f, 0.2f], probabilities);</code></example>
public sealed class Predictor
{
    // The fewest multiply-adds that are worth waking further threads.
    private const long Small = 1_000_000;

    // So many rows at a time, so that what one step leaves is still in the cache for the next.
    private const int AtOnce = 1024;

    private readonly ConcurrentBag<RowMemory> _idle = [];
    private readonly RowPlan _plan;
    private readonly RowInput _input;
    private readonly RowValue _x;
    private readonly RowValue _y;

    private Predictor(RowPlan plan, RowInput input, RowValue x, RowValue y) => (_plan, _input, _x, _y) = (plan, input, x, y);

    /// <summary>How many numbers of x a row has, as the data have them.</summary>
    public int Inputs => _input.Width;

    /// <summary>How many numbers of y a row has: the probability of each class, of each bit to be 1, or the means.</summary>
    public int Outputs => _y.Width;

    /// <summary>How many modules run for a row, over all modular layers.</summary>
    public int Choices => _plan.Chosen.Sum(c => c.Choose);

    /// <summary>
    /// Takes a graph whose input rows have the shape <paramref name="row"/>: [n], or [C, H, W]. <paramref name="preparation"/> turns x as the data have it into
    /// them; null where x is the graph's input already. UserException where a layer, the head or the selector needs libtorch's tensors.
    /// </summary>
    public static Predictor Of(Graph graph, Selector selector, long[] row, Preparation? preparation = null)
    {
        var plan = new RowPlan(selector);
        if (row.Length is not (1 or 3))
        {
            throw plan.Refusal($"rows {row.AsShape()}");
        }

        RowValue x = plan.New(row);
        RowValue features = graph.Nodes.Aggregate(x, (value, node) => plan.Run(node, value));
        return new(plan, new(row, preparation), x, graph.Head.ToRows(plan, features));
    }

    /// <summary>Predicts for every row of x.</summary>
    /// <param name="x">[B, <see cref="Inputs"/>], as the data have it: not yet standardised, pixels from 0 to 255.</param>
    /// <param name="y">Out, overwritten: [B, <see cref="Outputs"/>].</param>
    /// <param name="modules">Out, overwritten: the modules that ran, [B, <see cref="Choices"/>], layer by layer. Empty where they are not wanted.</param>
    /// <param name="threads">How many threads may work; few rows are left to one.</param>
    /// <exception cref="ArgumentException">A length does not fit the others.</exception>
    /// <exception cref="UserException">x is not finite.</exception>
    public void Run(ReadOnlySpan<float> x, Span<float> y, Span<long> modules = default, int threads = 1)
    {
        int rows = x.Length / Inputs;
        Demand(nameof(x), x.Length, rows * Inputs, "whole rows");
        Demand(nameof(y), y.Length, rows * Outputs, $"{Outputs} for each of {rows} rows");
        Demand(nameof(modules), modules.Length, modules.IsEmpty ? 0 : rows * Choices, $"{Choices} for each of {rows} rows, or none");
        if (!_idle.TryTake(out RowMemory? memory))
        {
            memory = _plan.Memory();
        }

        for (int first = 0; first < rows; first += AtOnce)
        {
            int count = Math.Min(AtOnce, rows - first);
            _input.Prepare(x.Slice(first * Inputs, count * Inputs), memory.Of(_x, count));
            int workers = count * _plan.MultiplyAdds < Small ? 1 : threads;
            foreach (RowStep step in _plan.Steps)
            {
                step.Run(memory, count, workers);
            }

            memory.Of(_y, count).CopyTo(y[(first * Outputs)..]);
            if (!modules.IsEmpty)
            {
                Gather(memory, count, modules[(first * Choices)..]);
            }
        }

        _idle.Add(memory);
    }

    private void Gather(RowMemory memory, int rows, Span<long> modules)
    {
        int at = 0;
        foreach (RowChoices site in _plan.Chosen)
        {
            Span<long> chosen = memory.Of(site, rows);
            for (int row = 0; row < rows; row++)
            {
                chosen.Slice(row * site.Choose, site.Choose).CopyTo(modules[(row * Choices + at)..]);
            }

            at += site.Choose;
        }
    }

    private static void Demand(string name, int got, int expected, string what)
    {
        if (got != expected)
        {
            throw new ArgumentException($"{name}: expected {what}, got {got} numbers", name);
        }
    }
}
