namespace ModNet.Runtime;

/// <summary>How the learning rate goes over the steps: M-step t (from 0) is taken at rate · Factor(t).</summary>
public abstract record Schedule
{
    /// <summary>The factor at M-step <paramref name="step"/>, ≥ 0.</summary>
    public abstract double Factor(long step);
}

/// <summary>1 at every step.</summary>
public sealed record ConstantSchedule : Schedule
{
    /// <inheritdoc/>
    public override double Factor(long step) => 1;
}

/// <summary>½ (1 + cos(π t / T)) for T = <paramref name="Steps"/>: from 1 towards 0; 0 from T on.</summary>
public sealed record CosineSchedule(long Steps) : Schedule
{
    /// <inheritdoc/>
    public override double Factor(long step) =>
        step < Steps ? 0.5 * (1 + Math.Cos(Math.PI * step / Steps)) : 0;
}

/// <summary><paramref name="Rate"/>^⌊t / <paramref name="Every"/>⌋.</summary>
public sealed record DecaySchedule(long Every, double Rate) : Schedule
{
    /// <inheritdoc/>
    public override double Factor(long step) => Math.Pow(Rate, step / Every);
}

/// <summary>(t + 1) / W for t below W = <paramref name="Steps"/>; then <paramref name="After"/>, from its own step 0.</summary>
public sealed record WarmupSchedule(long Steps, Schedule After) : Schedule
{
    /// <inheritdoc/>
    public override double Factor(long step) =>
        step < Steps ? (step + 1.0) / Steps : After.Factor(step - Steps);
}
