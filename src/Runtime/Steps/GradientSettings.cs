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

/// <summary>
/// What a gradient step does to the modules of a pool that no datapoint of its minibatch chose, at any site of any layer that shares
/// the pool. Their gradient is zero; optimisers that remember differ in what they make of that.
/// </summary>
public enum Unselected
{
    /// <summary>
    /// What the optimiser does with a gradient of zero, as libraries do with a stacked weight: Adam's moments decay and the module's
    /// weights go on moving for some steps in the direction they had; momentum likewise; weight decay shrinks them; corrections for the
    /// first steps count all steps. Cost follows M: a dense gradient, and an optimiser that goes through all of it.
    /// </summary>
    Drift,

    /// <summary>
    /// Nothing: neither weights nor what the optimiser remembers of them are read or written. Every module is trained as by an
    /// optimiser of its own, which only takes the steps in which the module is in use: moments do not decay, weights do not drift or
    /// shrink meanwhile, and Adam's corrections for the first steps count the module's own. The learning rate is that of the run's step.
    /// In a step that uses all modules it is the same as <see cref="Drift"/>, but for rounding and those counts. Cost follows the
    /// modules in use: gradients have rows for them alone where the dispatch can (kernel, grouped), and the step goes through those rows.
    /// </summary>
    Rest,
}
