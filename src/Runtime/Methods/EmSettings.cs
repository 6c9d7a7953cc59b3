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

/// <summary>The settings of generalised Viterbi EM, which Algorithm 1 leaves open.</summary>
/// <param name="Samples">S, the number of compositions drawn per datapoint in an E-step. Under <see cref="EmHeld.Among"/> a* is one of them.</param>
/// <param name="MSteps">The number of gradient steps after each E-step.</param>
/// <param name="EBatch">The number of datapoints per E-step.</param>
/// <param name="MBatch">The number of datapoints per gradient step.</param>
/// <param name="LearningRate">The learning rate of Adam, unless <see cref="Optimizer"/> is set.</param>
public sealed record EmSettings(
    int Samples = 10, int MSteps = 15, long EBatch = 128, long MBatch = 128, double LearningRate = 1e-3)
{
    /// <summary>The optimiser that takes the gradient steps.</summary>
    public OptimizerKind Optimizer { get; init; } = new AdamKind(LearningRate);

    /// <summary>S ≥ 1, the number of shards that the minibatches of M-steps and E-steps are cut into (<see cref="GradientSettings.Shards"/>).</summary>
    public int Shards { get; init; } = 1;

    /// <summary>
    /// H ≥ 1: each shard takes H gradient steps by itself, from weights and an optimiser of its own, and then all go on from the average of theirs
    /// (<see cref="TrainingMethod.Settle"/>); null adds the shards' gradients in every step.
    /// </summary>
    public long? LooseRounds { get; init; }

    /// <summary>What a gradient step does to modules that no datapoint of its minibatch chose.</summary>
    public Unselected Unselected { get; init; }

    /// <summary>How the learning rate changes over the M-steps.</summary>
    public Schedule Schedule { get; init; } = new ConstantSchedule();

    /// <summary>The greatest norm of the gradients of all parameters together, to which they are scaled down before a step; null leaves them.</summary>
    public double? ClipNorm { get; init; }

    /// <summary>ε in [0, 1), the share of every target that an M-step spreads evenly over all classes. E-steps take no notice of it.</summary>
    public double LabelSmoothing { get; init; }

    /// <summary>The decay in (0, 1) of a moving average of the weights, by which a network is evaluated; null keeps none. E-steps take the weights as they are.</summary>
    public double? AverageWeights { get; init; }

    /// <summary>The weight of the mean log p(a*|x) against the mean log p(y|x, a*) in the M-step's loss; 1 gives Eq. 8.</summary>
    public double ControllerWeight { get; init; } = 1;

    /// <summary>What the assignments are before the first M-step.</summary>
    public EmStart Start { get; init; }

    /// <summary>Whether a* counts among the S candidates of an E-step.</summary>
    public EmHeld Held { get; init; }

    /// <summary>
    /// How much memory the candidates of an E-step may take at one time, in bytes. As many candidates are scored together as fit, and at
    /// least one. The need of a candidate is estimated from the network's widest layer and from its tape. The S·C uniform numbers per
    /// datapoint by which choices are drawn come on top. The result of the E-step does not depend on this setting.
    /// </summary>
    public long EStepBytes { get; init; } = 1L << 28;
}
