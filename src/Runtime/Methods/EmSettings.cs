namespace ModNet.Runtime;

/// <summary>What the assignments are before the first M-step.</summary>
public enum EmStart
{
    /// <summary>Uniform over all compositions (Algorithm 1).</summary>
    AtRandom,

    /// <summary>Uniform over all compositions, followed by one E-step (Eq. 11) for every datapoint.</summary>
    Sweep,
}

/// <summary>Whether a* counts among the S candidates of an E-step.</summary>
public enum EmHeld
{
    /// <summary>a* is a candidate beside S fresh samples (Eq. 11).</summary>
    Beside,

    /// <summary>a* is one of the S candidates, and S − 1 are fresh samples, as in the reference library.</summary>
    Among,
}

/// <summary>Which datapoints share a*.</summary>
public enum EmAssign
{
    /// <summary>None: each datapoint has its own.</summary>
    PerDatapoint,

    /// <summary>Those of one task id: an E-step sums the joint over them, so that the modules of a task are found together.</summary>
    PerTask,
}

/// <summary>
/// The settings of generalised Viterbi EM, which Algorithm 1 leaves open. Those of its gradient steps, the M-steps, are the settings of any method's; its E-steps are cut
/// into as many shards, and take no notice of smoothed labels or of the average of weights.
/// </summary>
public sealed record EmSettings : GradientSettings
{
    /// <summary>Settings that are said one by one.</summary>
    /// <param name="Samples"><see cref="Samples"/>.</param>
    /// <param name="MSteps"><see cref="MSteps"/>.</param>
    /// <param name="EBatch"><see cref="EBatch"/>.</param>
    /// <param name="MBatch">The number of datapoints per gradient step.</param>
    /// <param name="LearningRate">The learning rate of Adam, unless <see cref="GradientSettings.Optimizer"/> is set.</param>
    public EmSettings(int Samples = 10, int MSteps = 15, long EBatch = 128, long MBatch = 128, double LearningRate = 1e-3)
        : base(MBatch, LearningRate) =>
        (this.Samples, this.MSteps, this.EBatch) = (Samples, MSteps, EBatch);

    /// <summary>The settings of M-steps as <paramref name="mSteps"/> has them, and those of E-steps as they are unless said.</summary>
    public EmSettings(GradientSettings mSteps)
        : base(mSteps)
    {
    }

    /// <summary>S, the number of compositions drawn per datapoint in an E-step. Under <see cref="EmHeld.Among"/> a* is one of them.</summary>
    public int Samples { get; init; } = 10;

    /// <summary>The number of gradient steps after each E-step.</summary>
    public int MSteps { get; init; } = 15;

    /// <summary>The number of datapoints per E-step.</summary>
    public long EBatch { get; init; } = 128;

    /// <summary>The weight of the mean log p(a*|x) against the mean log p(y|x, a*) in the M-step's loss; 1 gives Eq. 8.</summary>
    public double ControllerWeight { get; init; } = 1;

    /// <summary>What the assignments are before the first M-step.</summary>
    public EmStart Start { get; init; }

    /// <summary>Whether a* counts among the S candidates of an E-step.</summary>
    public EmHeld Held { get; init; }

    /// <summary>Which datapoints share a*.</summary>
    public EmAssign Assign { get; init; }

    /// <summary>
    /// How much memory the candidates of an E-step may take at one time, in bytes. As many candidates are scored together as fit, and at
    /// least one. The need of a candidate is estimated from the network's widest layer and from its tape. The S·C uniform numbers per
    /// datapoint by which choices are drawn come on top. The result of the E-step does not depend on this setting.
    /// </summary>
    public long EStepBytes { get; init; } = 1L << 28;
}
