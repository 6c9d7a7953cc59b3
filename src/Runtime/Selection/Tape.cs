using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What passed one site: its distribution and what was selected.</summary>
public sealed record TapeEntry(Site Site, ChoiceDistribution Distribution, Selection Selection)
{
    /// <summary>Whether the choice is latent, so part of the composition and of log p(a|x); otherwise the data gave it.</summary>
    public bool Latent => Distribution.Latent;

    /// <summary>The distribution that the site's outputs came by: the gate where they are weighted, else p(a|x).</summary>
    internal ChoiceDistribution Used() =>
        Selection.Weights is null ? Distribution : ChoiceDistribution.Gate(Selection.Indices, Selection.Weights, Site.Modules);
}

/// <summary>
/// The record of one forward pass: an entry per site and per given choice, in order. Metrics, traces and plots read tapes and nothing else.
/// </summary>
public sealed class Tape
{
    private readonly List<TapeEntry> _entries = [];

    // What is latent, in pieces as they came: positions of one site, or of all a layer's sites.
    private readonly List<(ChoiceDistribution Distribution, Tensor Indices)> _latent = [];

    /// <summary>The sites passed so far, in order.</summary>
    public IReadOnlyList<TapeEntry> Entries => _entries;

    /// <summary>C: the latent choices made so far per datapoint, over all sites.</summary>
    public int Choices { get; private set; }

    /// <summary>Scalar: what layers on the way ask to be added to a training loss; null where none does.</summary>
    public Tensor? Penalty { get; private set; }

    /// <summary>The joint composition over all latent sites, [B, C] int64.</summary>
    public Tensor Composition() => cat([.. _latent.Select(piece => piece.Indices)], 1);

    /// <summary>log p(a|x) = Σ_sites Σ_k log p_k(a_k|x) (Eq. 2) → [B]; carries gradient to the controllers.</summary>
    public Tensor LogProbability()
    {
        // Sites of equal M (all time steps of a recurrent layer) are scored in one gather.
        Tensor? total = null;
        foreach (var group in _latent.GroupBy(piece => piece.Distribution.Modules))
        {
            ChoiceDistribution[] distributions = [.. group.Select(piece => piece.Distribution)];
            Tensor[] indices = [.. group.Select(piece => piece.Indices)];
            Tensor sum = indices.Length == 1
                ? distributions[0].LogProbability(indices[0])
                : ChoiceDistribution.Join(distributions, 1).LogProbability(cat(indices, 1));
            total = total is null ? sum : total + sum;
        }

        return total ?? throw new InvalidOperationException("the tape is empty: nothing was chosen");
    }

    /// <summary>Adds a scalar to <see cref="Penalty"/>.</summary>
    internal void Penalise(Tensor penalty) => Penalty = Penalty is null ? penalty : Penalty + penalty;

    internal void Add(TapeEntry entry)
    {
        _entries.Add(entry);
        Footprint.Current?.Keep(entry.Distribution.LogProbabilities);
        if (entry.Latent)
        {
            AddLatent(entry.Distribution, entry.Selection.Indices);
        }
    }

    /// <summary>
    /// Adds a layer's T sites of latent choices at once; <paramref name="joined"/> and <paramref name="indices"/> are the same as
    /// one of T·K positions: [B, T·K, M] and [B, T·K].
    /// </summary>
    internal void Add(IEnumerable<TapeEntry> steps, ChoiceDistribution joined, Tensor indices)
    {
        _entries.AddRange(steps);
        Footprint.Current?.Keep(joined.LogProbabilities);
        AddLatent(joined, indices);
    }

    private void AddLatent(ChoiceDistribution distribution, Tensor indices)
    {
        _latent.Add((distribution, indices));
        Choices += (int)indices.shape[1];
    }
}
