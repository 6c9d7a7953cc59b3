using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The one seam between architecture and training method: at each site it receives the controller's distribution and
/// answers with a selection.
/// </summary>
public abstract class Selector
{
    /// <summary>The composition of every row of <paramref name="distribution"/> at <paramref name="site"/>.</summary>
    public abstract Selection Select(Site site, ChoiceDistribution distribution);
}

/// <summary>Draws from the controller: ancestral sampling, a ~ p(a|x).</summary>
public sealed class SampledSelector(Generator generator) : Selector
{
    /// <inheritdoc/>
    public override Selection Select(Site site, ChoiceDistribution distribution) => new(distribution.Sample(generator));
}

/// <summary>Takes the most probable module per position: evaluation, deterministic.</summary>
public sealed class ModeSelector : Selector
{
    /// <inheritdoc/>
    public override Selection Select(Site site, ChoiceDistribution distribution) => new(distribution.Mode());
}

/// <summary>Takes given compositions [B, C], C the choices of all sites in order: the assignment a*.</summary>
public sealed class GivenSelector(Tensor compositions) : Selector
{
    /// <inheritdoc/>
    public override Selection Select(Site site, ChoiceDistribution distribution) =>
        new(compositions.narrow(1, site.Offset, site.Choose));
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
}

/// <summary>The same modules for every datapoint at every site: positions [K] (paper, Table 1's baselines).</summary>
public sealed class FixedSelector(params int[] modules) : Selector
{
    /// <inheritdoc/>
    public override Selection Select(Site site, ChoiceDistribution distribution)
    {
        if (modules.Length != site.Choose)
        {
            throw new ArgumentException(
                $"{site.Layer}: expected {site.Choose} fixed modules, got {modules.Length} – give one per position");
        }

        long rows = distribution.LogProbabilities.shape[0];
        Tensor row = tensor(modules.Select(m => (long)m).ToArray(), device: distribution.LogProbabilities.device);
        return new(row.unsqueeze(0).expand(rows, -1));
    }
}
