namespace ModNet.Runtime;

/// <summary>What a* is before the first M-step.</summary>
public enum EmStart
{
    /// <summary>Uniform over all compositions (Algorithm 1).</summary>
    AtRandom,

    /// <summary>The same, and then one E-step (Eq. 11) for every datapoint.</summary>
    Sweep,
}

/// <summary>Where a* is among an E-step's candidates.</summary>
public enum EmHeld
{
    /// <summary>Beside S fresh samples (Eq. 11).</summary>
    Beside,

    /// <summary>One of the S, so that S − 1 are fresh, as in the reference library.</summary>
    Among,
}

/// <summary>What Algorithm 1 leaves open.</summary>
/// <param name="Samples">S: compositions drawn per datapoint in an E-step; with <see cref="EmHeld.Among"/> a* is one of them.</param>
/// <param name="MSteps">Gradient steps after each E-step.</param>
/// <param name="EBatch">Datapoints per E-step.</param>
/// <param name="MBatch">Datapoints per gradient step.</param>
/// <param name="LearningRate">Adam's, unless <see cref="Optimizer"/> is set.</param>
public sealed record EmSettings(
    int Samples = 10, int MSteps = 15, long EBatch = 128, long MBatch = 128, double LearningRate = 1e-3)
{
    /// <summary>What takes the gradient steps.</summary>
    public OptimizerKind Optimizer { get; init; } = new AdamKind(LearningRate);

    /// <summary>What a step does to modules that nothing in its minibatch chose.</summary>
    public Unselected Unselected { get; init; }

    /// <summary>How the learning rate goes over the M-steps.</summary>
    public Schedule Schedule { get; init; } = new ConstantSchedule();

    /// <summary>Weighs mean log p(a*|x) against mean log p(y|x, a*) in the M-step's loss; 1 is Eq. 8.</summary>
    public double ControllerWeight { get; init; } = 1;

    /// <summary>What a* is before the first M-step.</summary>
    public EmStart Start { get; init; }

    /// <summary>Where a* is among an E-step's candidates.</summary>
    public EmHeld Held { get; init; }

    /// <summary>
    /// How much memory an E-step's candidates may take at once, in bytes; as many are scored together as that is enough for, and at
    /// least one. It is reckoned from what a row of the network holds at its widest and on its tape. Beside it are S·C numbers per
    /// datapoint that choices are drawn by. The result does not depend on it.
    /// </summary>
    public long EStepBytes { get; init; } = 1L << 28;
}
