using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// An exponential moving average of a graph's parameters and running averages. After n steps it is Σ_i d^(n−i) · θ_i / Σ_i d^(n−i), i from 1 to
/// n, with the weights θ_i after step i: the weights before the first step have no part in it.
/// </summary>
internal sealed class WeightAverage : IDisposable
{
    private const string Prefix = "method.average.";

    private readonly double _decay;
    private readonly Part[] _parts;

    /// <summary>Begins with the weights as they are. d is <paramref name="decay"/>, in (0, 1).</summary>
    internal WeightAverage(Graph graph, double decay)
    {
        using var noGrad = no_grad();
        _decay = decay;
        // There may be several names for one tensor.
        _parts = [.. graph.state_dict()
            .Where(entry => entry.Value.is_floating_point())
            .GroupBy(entry => entry.Value.Handle)
            .Select(group => new Part(
                [.. group.Select(entry => entry.Key)],
                group.First().Value,
                group.First().Value.detach().clone().DetachFromDisposeScope()))];
    }

    /// <summary>The name under which a checkpoint holds the average of a weight.</summary>
    internal static string NameOf(string weight) => Prefix + weight;

    /// <summary>Takes the weights in that <paramref name="steps"/> ≥ 1 gradient steps have left.</summary>
    internal void Add(long steps)
    {
        double share = (1 - _decay) / (1 - Math.Pow(_decay, steps));
        foreach (Part part in _parts)
        {
            part.Mean.MoveTowards(part.Weight, share);
        }
    }

    /// <summary>Puts the averages in the place of the weights, which come back when the result is disposed of.</summary>
    internal IDisposable Use() => new InPlace(_parts);

    /// <summary>The averages as named tensors for a checkpoint.</summary>
    internal IEnumerable<(string Name, Tensor Value)> State() =>
        _parts.SelectMany(part => part.Names, (part, name) => (NameOf(name), part.Mean));

    /// <summary>Takes back what <see cref="State"/> gave.</summary>
    internal void Restore(SavedState saved)
    {
        foreach (Part part in _parts)
        {
            part.Mean.copy_(saved.Get(NameOf(part.Names[0]), part.Mean.shape));
        }
    }

    public void Dispose()
    {
        foreach (Part part in _parts)
        {
            part.Mean.Dispose();
        }
    }

    private sealed record Part(string[] Names, Tensor Weight, Tensor Mean);

    private sealed class InPlace : IDisposable
    {
        private readonly (Tensor Weight, Tensor Own)[] _kept;

        internal InPlace(Part[] parts)
        {
            using var noGrad = no_grad();
            _kept = Array.ConvertAll(parts, part => (part.Weight, part.Weight.detach().clone().DetachFromDisposeScope()));
            foreach (Part part in parts)
            {
                part.Weight.copy_(part.Mean);
            }
        }

        public void Dispose()
        {
            using var noGrad = no_grad();
            foreach ((Tensor weight, Tensor own) in _kept)
            {
                weight.copy_(own);
                own.Dispose();
            }
        }
    }
}
