namespace ModNet.Runtime;

/// <summary>How gradient steps are taken, by whatever training method.</summary>
/// <param name="Batch">B, the number of datapoints per gradient step.</param>
/// <param name="LearningRate">The learning rate of Adam, unless <see cref="Optimizer"/> is set.</param>
public record GradientSettings(long Batch = 128, double LearningRate = 1e-3)
{
    /// <summary>The optimiser that takes the gradient steps.</summary>
    public OptimizerKind Optimizer { get; init; } = new AdamKind(LearningRate);

    /// <summary>
    /// S ≥ 1, the number of shards that every minibatch is cut into (<see cref="Training.Ranks"/>): the outcome depends on S, and not on how many ranks share
    /// the work. 1 runs minibatches whole.
    /// </summary>
    public int Shards { get; init; } = 1;

    /// <summary>
    /// H ≥ 1: each shard takes H gradient steps by itself, from weights and an optimiser of its own, and then all go on from the average of theirs
    /// (<see cref="TrainingMethod.Settle"/>); null adds the shards' gradients in every step.
    /// </summary>
    public long? LooseRounds { get; init; }

    /// <summary>What a step does to modules that no datapoint of its minibatch chose.</summary>
    public Unselected Unselected { get; init; }

    /// <summary>The tasks that training goes through one after the other; null draws every minibatch from all datapoints.</summary>
    public TaskStream? Stream { get; init; }

    /// <summary>How the learning rate changes over the gradient steps.</summary>
    public Schedule Schedule { get; init; } = new ConstantSchedule();

    /// <summary>The greatest norm of the gradients of all parameters together, to which they are scaled down before a step; null leaves them.</summary>
    public double? ClipNorm { get; init; }

    /// <summary>
    /// ε in [0, 1): the share of every target that is spread evenly over all classes, so that a step raises
    /// (1 − ε) · log p(y|x, a) + ε · mean over classes c of log p(c|x, a). Only heads over classes have it; 0 is without.
    /// </summary>
    public double LabelSmoothing { get; init; }

    /// <summary>
    /// The decay d in (0, 1) of a moving average of the weights, by which a network is evaluated (<see cref="TrainingMethod.UseAverage"/>);
    /// null keeps none.
    /// </summary>
    public double? AverageWeights { get; init; }

    /// <summary>In which numbers modules multiply, in gradient steps, E-steps and evaluation alike, as long as the method is not disposed of.</summary>
    public Precision Precision { get; init; }

    // The tests set it, so that small networks go the way of large ones.
    internal long LeastFactored { get; init; } = FactoredGradients.Least;
}

/// <summary>
/// What a gradient step does to the modules of a pool that no datapoint of its minibatch chose, at any site of any layer that shares the
/// pool. The gradient of these modules is zero.
/// </summary>
public enum Unselected
{
    /// <summary>
    /// The optimiser takes the gradient of zero, as libraries do with a stacked weight. Adam's moments decay, and the module's weights keep
    /// moving in their old direction for some steps; so they do with momentum. Weight decay shrinks the weights, and Adam's corrections for
    /// the first steps count all steps. The cost follows M: the gradient is dense, and the optimiser goes through all of it.
    /// </summary>
    Drift,

    /// <summary>
    /// The modules are left alone: neither their weights nor what the optimiser remembers of them is read or written. Every module is trained
    /// as if by an optimiser of its own that takes only the steps in which the module is in use: moments do not decay, weights neither drift
    /// nor shrink meanwhile, and Adam's corrections for the first steps count the module's own steps. The learning rate is that of the run's
    /// step. A step that uses all modules does the same as under <see cref="Drift"/>, except for rounding and these counts. The cost follows
    /// the modules in use: gradients have rows for them alone where the dispatch can (kernel, grouped), and the step goes through those rows.
    /// </summary>
    Rest,
}
