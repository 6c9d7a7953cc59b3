using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What a <see cref="Trainer"/> drives: a training method on one graph (<see cref="TrainingMethod"/>), or a game of several (<see cref="Game"/>).</summary>
public abstract class Training : IDisposable
{
    /// <summary>
    /// The ranks that train together: each runs some of the shards of every minibatch (<see cref="GradientSettings.Shards"/>), and all have the same weights,
    /// optimiser and assignments after every step. All ranks call everything that trains, evaluates or saves, in the same order.
    /// </summary>
    public Ranks Ranks { get; init; } = Ranks.Alone;

    /// <summary>The device on which the graphs are.</summary>
    public abstract Device Device { get; }

    /// <summary>How minibatches are cut.</summary>
    internal abstract Sharding Sharding { get; }

    /// <summary>The graphs that a checkpoint holds, each with what stands before the names of its weights there; of one graph nothing.</summary>
    internal abstract IReadOnlyList<(string Prefix, Graph Graph)> Graphs { get; }

    /// <summary>The deterministic selector for held-out data.</summary>
    public abstract Selector Evaluating { get; }

    /// <summary>Whether choices come from the controllers, so that the controllers' entropies mean something.</summary>
    public virtual bool ReadsControllers => true;

    /// <summary>Whether <see cref="StepResult.LogLikelihood"/> and <see cref="StepResult.Statistics"/> tell something.</summary>
    internal virtual bool HasLikelihood => true;

    /// <summary>The share of datapoints whose a* the newest E-step replaced; null where there is no a*.</summary>
    public virtual double? Reassigned => null;

    /// <summary>Whether a run may be stopped here and go on later as if it had not been.</summary>
    internal abstract bool IsSettled { get; }

    /// <summary>Does what is to be done before the first step.</summary>
    public virtual void Begin()
    {
    }

    /// <summary>Takes a step. NonFiniteException where a loss or a gradient is not finite.</summary>
    public abstract void Step();

    /// <summary>Does the same as <see cref="Step"/> and reports what the step saw.</summary>
    public abstract StepResult StepAndReport();

    /// <summary>Ends what must not be open while weights are evaluated or saved.</summary>
    public abstract void Settle();

    /// <summary>Puts the moving average of the weights in their place, where one is kept, until the result is disposed of; null where none is kept.</summary>
    public abstract IDisposable? UseAverage();

    /// <summary>
    /// What there is to say of held-out data beside or in place of the likelihood of a graph; null where the trainer evaluates the graph itself.
    /// </summary>
    internal virtual Observation? Evaluate(string phase, IReadOnlyList<Dataset> parts, long batch) => null;

    /// <summary>NonFiniteException where a step on an accelerator, where steps are checked late, had a loss or a gradient that is not finite.</summary>
    internal abstract void DemandFiniteSteps();

    /// <summary>NonFiniteException where a parameter is not finite after the steps so far.</summary>
    internal abstract void DemandFiniteParameters();

    /// <summary>What is remembered beside weights and optimiser, as tensors for a checkpoint, whose names begin with <c>method.</c>.</summary>
    public abstract IEnumerable<(string Name, Tensor Value)> State();

    /// <summary>Takes back what <see cref="State"/> gave. It is called in place of <see cref="Begin"/>.</summary>
    public abstract void Restore(SavedState state);

    /// <summary>What the optimiser remembers, as <c>PARAMETER.PART</c>, for a checkpoint.</summary>
    internal abstract IEnumerable<(string Name, Tensor Value)> OptimizerState();

    /// <summary>Takes back what <see cref="OptimizerState"/> gave.</summary>
    internal abstract void RestoreOptimizer(SavedState saved);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases what is held.</summary>
    protected abstract void Dispose(bool disposing);
}
