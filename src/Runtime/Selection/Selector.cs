using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Chooses the modules: at each site it receives the controller's distribution and answers with a selection. It is the one seam between the
/// architecture and the training method.
/// </summary>
public abstract class Selector
{
    /// <summary>The full batch that the rows of this pass belong to; size decisions use it, so chunking changes no result.</summary>
    internal FullBatch FullBatch { get; init; } = FullBatch.Same;

    /// <summary>Chooses the composition of every row of <paramref name="distribution"/> at <paramref name="site"/>.</summary>
    public abstract Selection Select(Site site, ChoiceDistribution distribution);

    /// <summary>How many modules run for a row at a site of K positions. It is K, except under noisy and loss-free top-k.</summary>
    public virtual int Runs(int choose) => choose;

    /// <summary>
    /// How this selector will choose for B rows at the next T = <paramref name="steps"/> sites, of which <paramref name="first"/> is the
    /// first. The caller makes the choices in this way and does not call <see cref="Select"/>. Null where <see cref="Select"/> has to be
    /// called site by site.
    /// </summary>
    public virtual WindowChoice? Ahead(Site first, int steps, long rows, Device device) => null;
}

/// <summary>Draws each choice from the controller: ancestral sampling, a ~ p(a|x).</summary>
public sealed class SampledSelector(Generator generator) : Selector
{
    /// <inheritdoc/>
    public override Selection Select(Site site, ChoiceDistribution distribution) => new(distribution.Sample(generator));

    /// <inheritdoc/>
    public override WindowChoice? Ahead(Site first, int steps, long rows, Device device) =>
        WindowChoice.Drawn(first, steps, rows, generator);
}

/// <summary>Takes the most probable module of every position. Evaluation uses it, because it is deterministic.</summary>
public sealed class ModeSelector : Selector
{
    /// <inheritdoc/>
    public override Selection Select(Site site, ChoiceDistribution distribution) => new(distribution.Mode());

    /// <inheritdoc/>
    public override WindowChoice? Ahead(Site first, int steps, long rows, Device device) => new();
}

/// <summary>Takes given compositions [B, C], such as the assignment a*; C counts the choices of all sites in order.</summary>
public sealed class GivenSelector(Tensor compositions) : Selector
{
    /// <inheritdoc/>
    public override Selection Select(Site site, ChoiceDistribution distribution) =>
        new(compositions.narrow(1, site.Offset, site.Choose));

    /// <inheritdoc/>
    public override WindowChoice? Ahead(Site first, int steps, long rows, Device device) =>
        new(WindowChoice.Columns(compositions, first, steps));
}

/// <summary>Takes the same K modules for all datapoints at a site, whatever the controller says.</summary>
public abstract class SameModulesSelector : Selector
{
    /// <inheritdoc/>
    public override Selection Select(Site site, ChoiceDistribution distribution) =>
        new(Modules(site, distribution.Device).unsqueeze(0).expand(distribution.Rows, -1));

    /// <inheritdoc/>
    public override WindowChoice? Ahead(Site first, int steps, long rows, Device device) =>
        WindowChoice.Same(Modules(first, device), steps, rows);

    /// <summary>The modules at a site, [K] int64 on a device.</summary>
    protected abstract Tensor Modules(Site site, Device device);
}

/// <summary>Takes modules 0 to K − 1 at every site, for every datapoint.</summary>
public sealed class FirstSelector : SameModulesSelector
{
    /// <inheritdoc/>
    protected override Tensor Modules(Site site, Device device) => arange(site.Choose, ScalarType.Int64, device);
}

/// <summary>Takes the given modules [K] at every site, for every datapoint (paper, Table 1's baselines).</summary>
public sealed class FixedSelector(params int[] modules) : SameModulesSelector
{
    /// <summary>The given modules. ArgumentException where there are not K of them.</summary>
    protected override Tensor Modules(Site site, Device device) => modules.Length == site.Choose
        ? tensor(modules.Select(m => (long)m).ToArray(), device: device)
        : throw new ArgumentException(
            $"{site.Layer}: expected {site.Choose} fixed modules, got {modules.Length} – give one per position");
}
