using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The one seam between architecture and training method: at each site it receives the controller's distribution and
/// answers with a selection.
/// </summary>
public abstract class Selector
{
    /// <summary>The full batch that the rows of this pass belong to; size decisions use it, so chunking changes no result.</summary>
    internal FullBatch FullBatch { get; init; } = FullBatch.Same;

    /// <summary>The composition of every row of <paramref name="distribution"/> at <paramref name="site"/>.</summary>
    public abstract Selection Select(Site site, ChoiceDistribution distribution);

    /// <summary>How many modules run for a row at a site of K positions: K, for all but noisy top-k.</summary>
    public virtual int Runs(int choose) => choose;

    /// <summary>
    /// How this selector is going to choose for B rows at <paramref name="steps"/> sites in a row, the first of them
    /// <paramref name="first"/>; whoever asks makes the choices in this way, and <see cref="Select"/> is not called. Null where it
    /// has to be called site by site.
    /// </summary>
    public virtual WindowChoice? Ahead(Site first, int steps, long rows, Device device) => null;
}

/// <summary>Draws from the controller: ancestral sampling, a ~ p(a|x).</summary>
public sealed class SampledSelector(Generator generator) : Selector
{
    /// <inheritdoc/>
    public override Selection Select(Site site, ChoiceDistribution distribution) => new(distribution.Sample(generator));

    /// <inheritdoc/>
    public override WindowChoice? Ahead(Site first, int steps, long rows, Device device) =>
        WindowChoice.Drawn(first, steps, rows, generator);
}

/// <summary>Takes the most probable module per position: evaluation, deterministic.</summary>
public sealed class ModeSelector : Selector
{
    /// <inheritdoc/>
    public override Selection Select(Site site, ChoiceDistribution distribution) => new(distribution.Mode());

    /// <inheritdoc/>
    public override WindowChoice? Ahead(Site first, int steps, long rows, Device device) => new();
}

/// <summary>Takes given compositions [B, C], C the choices of all sites in order: the assignment a*.</summary>
public sealed class GivenSelector(Tensor compositions) : Selector
{
    /// <inheritdoc/>
    public override Selection Select(Site site, ChoiceDistribution distribution) =>
        new(compositions.narrow(1, site.Offset, site.Choose));

    /// <inheritdoc/>
    public override WindowChoice? Ahead(Site first, int steps, long rows, Device device) =>
        new(WindowChoice.Columns(compositions, first, steps));
}

/// <summary>Modules 0 to K − 1 at every site, for every datapoint.</summary>
public sealed class FirstSelector : Selector
{
    /// <inheritdoc/>
    public override Selection Select(Site site, ChoiceDistribution distribution)
    {
        Tensor row = arange(site.Choose, ScalarType.Int64, distribution.LogProbabilities.device);
        return new(row.unsqueeze(0).expand(distribution.LogProbabilities.shape[0], -1));
    }

    /// <inheritdoc/>
    public override WindowChoice? Ahead(Site first, int steps, long rows, Device device) =>
        WindowChoice.Same(arange(first.Choose, ScalarType.Int64, device), steps, rows);
}

/// <summary>The same modules for every datapoint at every site: positions [K] (paper, Table 1's baselines).</summary>
public sealed class FixedSelector(params int[] modules) : Selector
{
    /// <inheritdoc/>
    public override Selection Select(Site site, ChoiceDistribution distribution)
    {
        Tensor row = Row(site, distribution.LogProbabilities.device);
        return new(row.unsqueeze(0).expand(distribution.LogProbabilities.shape[0], -1));
    }

    /// <inheritdoc/>
    public override WindowChoice? Ahead(Site first, int steps, long rows, Device device) =>
        WindowChoice.Same(Row(first, device), steps, rows);

    private Tensor Row(Site site, Device device)
    {
        if (modules.Length != site.Choose)
        {
            throw new ArgumentException(
                $"{site.Layer}: expected {site.Choose} fixed modules, got {modules.Length} – give one per position");
        }

        return tensor(modules.Select(m => (long)m).ToArray(), device: device);
    }
}
