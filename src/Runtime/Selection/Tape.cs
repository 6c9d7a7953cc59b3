using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What happened at one site: the controller's distribution, and the selection that was made.</summary>
public sealed record TapeEntry(Site Site, ChoiceDistribution Distribution, Selection Selection)
{
    /// <summary>Whether the choice is latent, that is, part of the composition and of log p(a|x). Otherwise the data gave it.</summary>
    public bool Latent => Distribution.Latent;

    /// <summary>The distribution by which the site's outputs came about: the gate where outputs are weighted, else p(a|x).</summary>
    internal ChoiceDistribution Used() =>
        Selection.Weights is null ? Distribution : ChoiceDistribution.Gate(Selection.Indices, Selection.Weights, Site.Modules);

    /// <summary>
    /// How often each module ran at sites of one pool, [M]: int64, or, where the datapoints have <paramref name="weights"/> [B], the sum of their weights.
    /// </summary>
    internal static Tensor Counts(IEnumerable<TapeEntry> sites, Tensor? weights = null)
    {
        TapeEntry[] entries = [.. sites];
        Tensor indices = Operators.Join([.. entries.Select(e => e.Selection.Indices.reshape(-1))], 0);
        Tensor? each = weights is null
            ? null
            : Operators.Join([.. entries.Select(e => weights.unsqueeze(1).expand(e.Selection.Indices.shape).reshape(-1))], 0);
        return indices.Occurrences(each, entries[0].Site.Modules);
    }
}

/// <summary>
/// The record of one forward pass, with an entry for every site and every given choice in order. Metrics, traces and plots read tapes and
/// nothing else.
/// </summary>
public sealed class Tape
{
    private readonly List<TapeEntry> _entries = [];

    // The latent choices in pieces, as they were added: the positions of one site, or of all sites of a layer.
    private readonly List<(ChoiceDistribution Distribution, Tensor Indices)> _latent = [];

    /// <summary>The entries of the sites passed so far, in order.</summary>
    public IReadOnlyList<TapeEntry> Entries => _entries;

    /// <summary>C, the number of latent choices per datapoint so far, over all sites.</summary>
    public int Choices { get; private set; }

    /// <summary>The scalar that layers on the way add to the training loss; null where no layer adds anything.</summary>
    public Tensor? Penalty { get; private set; }

    /// <summary>The joint composition over all latent sites, [B, C] int64.</summary>
    public Tensor Composition() => Operators.Join([.. _latent.Select(piece => piece.Indices)], 1);

    /// <summary>log p(a|x) = Σ_sites Σ_k log p_k(a_k|x) (Eq. 2) → [B]; carries gradient to the controllers.</summary>
    public Tensor LogProbability()
    {
        // Sites of equal M, written in the same digits (all time steps of a recurrent layer), are scored in one gather.
        Tensor? total = null;
        foreach (var group in _latent.GroupBy(piece => piece.Distribution.Digits))
        {
            ChoiceDistribution[] distributions = [.. group.Select(piece => piece.Distribution)];
            Tensor[] indices = [.. group.Select(piece => piece.Indices)];
            Tensor sum = indices.Length == 1
                ? distributions[0].LogProbability(indices[0])
                : ChoiceDistribution.Join(distributions, 1).LogProbability(Operators.Join(indices, 1));
            total = total is null ? sum : total + sum;
        }

        return total ?? throw new InvalidOperationException("the tape is empty: nothing was chosen");
    }

    /// <summary>Adds a scalar to <see cref="Penalty"/>.</summary>
    internal void Penalise(Tensor penalty) => Penalty = Penalty is null ? penalty : Penalty + penalty;

    /// <summary>Adds the entry of the next site.</summary>
    internal void Add(TapeEntry entry)
    {
        _entries.Add(entry);
        Footprint.Current?.Keep(entry.Distribution);
        if (entry.Latent)
        {
            AddLatent(entry.Distribution, entry.Selection.Indices);
        }
    }

    /// <summary>
    /// Adds the T sites of a layer with latent choices at once. <paramref name="joined"/> [B, T·K, M] and <paramref name="indices"/> [B,
    /// T·K] are their distributions and choices as those of one site of T·K positions.
    /// </summary>
    internal void Add(IEnumerable<TapeEntry> steps, ChoiceDistribution joined, Tensor indices)
    {
        _entries.AddRange(steps);
        Footprint.Current?.Keep(joined);
        AddLatent(joined, indices);
    }

    private void AddLatent(ChoiceDistribution distribution, Tensor indices)
    {
        _latent.Add((distribution, indices));
        Choices += (int)indices.shape[1];
    }
}
