namespace ModNet.Runtime;

/// <summary>How gradient steps are taken, whatever the method.</summary>
/// <param name="Batch">Datapoints per gradient step.</param>
/// <param name="LearningRate">Adam's, unless <see cref="Optimizer"/> is set.</param>
public sealed record GradientSettings(long Batch = 128, double LearningRate = 1e-3)
{
    /// <summary>What takes the gradient steps.</summary>
    public OptimizerKind Optimizer { get; init; } = new AdamKind(LearningRate);

    /// <summary>What a step does to modules that nothing in its minibatch chose.</summary>
    public Unselected Unselected { get; init; }

    /// <summary>How the learning rate goes over the gradient steps.</summary>
    public Schedule Schedule { get; init; } = new ConstantSchedule();
}
