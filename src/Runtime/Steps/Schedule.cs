namespace ModNet.Runtime;

/// <summary>How the learning rate changes over the steps: gradient step t (from 0) is taken at rate · Factor(t).</summary>
public abstract record Schedule
{
    /// <summary>The factor ≥ 0 at gradient step <paramref name="step"/>, from 0.</summary>
    public abstract double Factor(long step);
}

/// <summary>The factor is 1 at every step.</summary>
public sealed record ConstantSchedule : Schedule
{
    /// <inheritdoc/>
    public override double Factor(long step) => 1;
}

/// <summary>The factor is ½ (1 + cos(π t / T)) with T = <paramref name="Steps"/>, which falls from 1 towards 0, and 0 from step T on.</summary>
public sealed record CosineSchedule(long Steps) : Schedule
{
    /// <inheritdoc/>
    public override double Factor(long step) =>
        step < Steps ? 0.5 * (1 + Math.Cos(Math.PI * step / Steps)) : 0;
}

/// <summary>The factor is <paramref name="Rate"/>^⌊t / <paramref name="Every"/>⌋.</summary>
public sealed record DecaySchedule(long Every, double Rate) : Schedule
{
    /// <inheritdoc/>
    public override double Factor(long step) => Math.Pow(Rate, step / Every);
}

/// <summary>The factor is (t + 1) / W for t below W = <paramref name="Steps"/>; then it is that of <paramref name="After"/>, which begins with its step 0.</summary>
public sealed record WarmupSchedule(long Steps, Schedule After) : Schedule
{
    /// <inheritdoc/>
    public override double Factor(long step) =>
        step < Steps ? (step + 1.0) / Steps : After.Factor(step - Steps);
}
