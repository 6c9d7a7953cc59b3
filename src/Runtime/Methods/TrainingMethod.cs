using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What a gradient step saw.</summary>
/// <param name="Loss">What the method minimises (<see cref="MinibatchLoss.Reported"/>), per datapoint in nats.</param>
/// <param name="LogLikelihood">The mean log p(y|x, a) of the compositions that the method ran, in nats; under <see cref="ExactLikelihood"/> the mean log p(y|x).</param>
/// <param name="Statistics">How modules were chosen on this minibatch.</param>
/// <param name="Score">How close predictions came to this minibatch's targets.</param>
public sealed record StepResult(
    double Loss, double LogLikelihood, SelectionStatistics Statistics, PredictionScore Score);

/// <summary>A method's loss on one minibatch.</summary>
/// <param name="Loss">The scalar to minimise, with gradient.</param>
/// <param name="LogLikelihood">The scalar of <see cref="StepResult.LogLikelihood"/>.</param>
/// <param name="Seen">Gives the forward pass from which statistics and scores are taken; called only where they are wanted.</param>
public sealed record MinibatchLoss(Tensor Loss, Tensor LogLikelihood, Func<GraphOutput> Seen)
{
    /// <summary>The scalar that a report gives as the loss, where it is not the value of <see cref="Loss"/>.</summary>
    public Tensor Reported { get; init; } = Loss;
}

/// <summary>
/// A way to train a graph: gradient steps on minibatches by one optimiser for θ and φ, and what the method does between them. A method is a
/// loop around <see cref="Selector"/>s, one for its steps and one for evaluation.
/// </summary>
/// <remarks>Where datapoints have weights, every mean over a minibatch is by them: Σ_n w_n ℓ_n / Σ_n w_n (<see cref="Batch.Mean"/>).</remarks>
public abstract class TrainingMethod : IDisposable
{
    private readonly DataTrack _track;
    private readonly GradientSettings _settings;
    private long _steps;

    // Parameters that get no gradient at all in a step that does not choose their module. They are given a gradient of zero, as stacked
    // modules get one; else Adam would pass them over, and its steps would depend on how a pool is stored and dispatched.
    private readonly Parameter[] _ofSingleModules;
    private readonly Parameter[] _parameters;
    private readonly ParameterMemory[] _memories;
    private readonly FusedSteps _updates;
    private readonly RestingModules? _resting;
    private readonly FrozenRows _frozen;
    private readonly WeightAverage? _average;

    /// <summary>
    /// Trains <paramref name="graph"/> (on <paramref name="device"/>) on <paramref name="data"/> (on the CPU). UserException where the
    /// graph has no parameters, or where the data are not finite.
    /// </summary>
    protected TrainingMethod(Graph graph, Dataset data, GradientSettings settings, RandomStreams streams, Device? device)
    {
        if (!graph.parameters().Any())
        {
            throw new UserException(
                "network", "something to learn", "no parameters", "add a layer that has some, such as `linear`");
        }

        if (!graph.parameters().Any(p => p.requires_grad))
        {
            throw new UserException("frozen", "something to learn", "a network that is frozen whole", "leave some part out of `frozen`");
        }

        (Graph, Data, _settings, Streams, Device) = (graph, data, settings, streams, device ?? CPU);
        Finiteness.Demand(data, "training");
        _track = new(data, settings.Batch, streams.MBatches, "m");
        _ofSingleModules = [.. graph.modules().OfType<NodePool>().SelectMany(p => p.parameters()).Where(p => p.requires_grad)];
        _parameters = [.. graph.parameters()];
        Optimizer = settings.Optimizer.Over(_parameters);
        _memories = settings.Optimizer.Memories(_parameters, Optimizer);
        _updates = new(_memories, Optimizer);
        if (settings.Unselected == Unselected.Rest)
        {
            _resting = new(graph.Pools, _memories);
        }

        _frozen = new(graph.Pools, _memories);

        if (settings.AverageWeights is double decay)
        {
            _average = new(graph, decay);
        }
    }

    /// <summary>The optimiser, which is the same for θ and φ.</summary>
    public OptimizerHelper Optimizer { get; }

    /// <summary>The deterministic selector for held-out data. It takes the most probable module of every position, unless the method says otherwise.</summary>
    public virtual Selector Evaluating => new ModeSelector();

    /// <summary>
    /// Puts the moving average of the weights in their place, where one is kept, until the result is disposed of; no step may be taken in the
    /// meantime. Null where none is kept (<see cref="GradientSettings.AverageWeights"/>).
    /// </summary>
    /// <example><code>using (method.UseAverage()) { Evaluation.Of(graph, [held], 128, method.Device, method.Evaluating); }</code></example>
    public IDisposable? UseAverage() => _average?.Use();

    /// <summary>Whether choices come from the controllers, so that the controllers' entropies mean something.</summary>
    public virtual bool ReadsControllers => true;

    /// <summary>The share of datapoints whose a* the newest E-step replaced; null where there is no a*.</summary>
    public virtual double? Reassigned => null;

    /// <summary>The graph that is trained.</summary>
    protected Graph Graph { get; }

    /// <summary>The training data.</summary>
    protected Dataset Data { get; }

    /// <summary>The device on which the graph is.</summary>
    public Device Device { get; }

    /// <summary>The random streams of the run.</summary>
    protected RandomStreams Streams { get; }

    /// <summary>Does what the method does before the first step.</summary>
    public virtual void Begin()
    {
    }

    /// <summary>
    /// Does what the method does before a gradient step, and takes the step on the next minibatch. NonFiniteException where its loss or
    /// gradients are not finite; the parameters are then as they were.
    /// </summary>
    public void Step()
    {
        Prepare(_steps);
        Gradient(report: false);
    }

    /// <summary>NonFiniteException where a parameter is not finite after the steps so far.</summary>
    internal void DemandFiniteParameters()
    {
        if (Finiteness.OfParameters(Graph, _steps) is { } wrong)
        {
            throw wrong;
        }
    }

    /// <summary>Does the same as <see cref="Step"/> and reports what the step saw.</summary>
    public StepResult StepAndReport()
    {
        Prepare(_steps);
        return Gradient(report: true)!;
    }

    /// <summary>The assignments a* of training datapoints [B] → [B, C] int64 on the CPU; null where the method holds none.</summary>
    public virtual Tensor? Held(long[] datapoints) => null;

    /// <summary>
    /// What the method remembers beside weights and optimiser, as tensors for a checkpoint: <c>method.steps</c>, its place in the data as
    /// <c>method.m_batches.…</c>, the steps of each module as <c>method.module_steps.POOL</c> [M] where modules rest, and the states that are
    /// carried between windows as <c>method.m_carried.LAYER</c>; and the moving average of the weights, where one is kept, as
    /// <c>method.average.NAME</c>. A method that remembers more adds names that begin with <c>method.</c>.
    /// </summary>
    public virtual IEnumerable<(string Name, Tensor Value)> State() =>
    [
        ("method.steps", tensor(new[] { _steps })),
        .. (_resting?.Steps ?? []).Select(p => (StateNames.ModuleSteps + p.Pool, tensor(p.Steps))),
        .. _track.State(),
        .. _average?.State() ?? [],
    ];

    /// <summary>What the optimiser remembers, as <c>PARAMETER.PART</c>, for a checkpoint.</summary>
    internal IEnumerable<(string Name, Tensor Value)> OptimizerState() => Graph.named_parameters().Zip(_memories).SelectMany(
        p => p.Second.State(), (p, part) => ($"{p.First.name}.{part.Part}", part.Value));

    /// <summary>Takes back what <see cref="OptimizerState"/> gave.</summary>
    internal void RestoreOptimizer(SavedState saved)
    {
        foreach (((string name, _), ParameterMemory memory) in Graph.named_parameters().Zip(_memories))
        {
            memory.Restore(saved.Under($"{name}."));
        }
    }

    /// <summary>Takes back what <see cref="State"/> gave. It is called in place of <see cref="Begin"/>.</summary>
    public virtual void Restore(SavedState state)
    {
        _steps = state.Count("method.steps");
        foreach ((string pool, long[] steps) in _resting?.Steps ?? [])
        {
            TensorArrays.Vector<long>(state.Get(StateNames.ModuleSteps + pool, steps.Length)).CopyTo(steps, 0);
        }

        _track.Restore(state, Device);
        _average?.Restore(state);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Does what the method does before gradient step <paramref name="step"/>, counted from 0.</summary>
    protected virtual void Prepare(long step)
    {
    }

    /// <summary>Does what the method does after a gradient step, within the step's dispose scope and without gradient.</summary>
    protected virtual void Conclude()
    {
    }

    /// <summary>The loss on a minibatch: the numbers of its datapoints [B], and the datapoints themselves on the graph's device.</summary>
    protected abstract MinibatchLoss LossOf(long[] datapoints, Batch batch);

    /// <summary>Takes a gradient step on the next minibatch. The result is null unless a report is asked for.</summary>
    protected StepResult? Gradient(bool report)
    {
        using var scope = NewDisposeScope();
        Graph.train();
        long[] datapoints = _track.Next();
        Batch batch = Fetch(datapoints);
        _resting?.Begin();
        MinibatchLoss seen = LossOf(datapoints, batch);
        GraphOutput? output = report ? seen.Seen() : null;
        Optimizer.zero_grad();
        // Where only frozen modules ran, and controllers are frozen, nothing is to be learned from the minibatch.
        if (seen.Loss.requires_grad)
        {
            seen.Loss.backward();
        }

        if (!Finiteness.Holds(seen.Loss, _parameters))
        {
            throw Finiteness.Explain(Graph, _steps + 1, seen.Loss.ToDouble(), () => LossOf(datapoints, batch));
        }

        _frozen.Keep();
        if (_settings.ClipNorm is double most)
        {
            GradientNorm.Clip(_parameters, most);
        }

        double rate = SetRate();
        if (_resting is null)
        {
            FillIdle();
        }

        _resting?.Take();
        _updates.Step(rate);
        _resting?.Step(rate);
        _frozen.PutBack();
        using (no_grad())
        {
            Conclude();
            _average?.Add(_steps);
        }

        return output is null ? null : Describe(seen, output, batch);
    }

    /// <summary>Runs the graph on the minibatch of a gradient step. Recurrent layers go on from where the minibatch before left them.</summary>
    protected GraphOutput Forward(Batch batch, Selector selector) =>
        Graph.Forward(batch.Inputs, selector, batch.Side, _track.Carried);

    /// <summary>Runs the graph in the same way, but the next minibatch does not go on from here.</summary>
    protected GraphOutput Glance(Batch batch, Selector selector)
    {
        using RecurrentState? carried = _track.Carried?.Copy();
        return Graph.Forward(batch.Inputs, selector, batch.Side, carried);
    }

    /// <summary>The mean log-likelihood of a minibatch with its labels smoothed: what a loss takes in its place.</summary>
    protected Tensor Smoothed(Tensor logLikelihood, GraphOutput output, Batch batch) => _settings.LabelSmoothing == 0
        ? logLikelihood
        : logLikelihood + _settings.LabelSmoothing * batch.Mean(Graph.Head.TowardsUniform(output.Features, batch.Targets));

    /// <summary>The loss plus the penalties that layers left on the tape.</summary>
    protected static Tensor Penalised(Tensor loss, GraphOutput output) =>
        output.Tape.Penalty is Tensor penalty ? loss + penalty : loss;

    /// <summary>The datapoints of the given numbers [B], on the graph's device.</summary>
    protected Batch Fetch(long[] datapoints) => Data.Get(tensor(datapoints)).To(Device);

    /// <summary>M for every choice of a datapoint over all its sites, [C]. One datapoint is run, and its tape tells.</summary>
    protected int[] ModulesPerChoice() => [.. Probe(1).Choices.Select(c => c.Modules)];

    /// <summary>The controller of every choice, [C], and what one row of <paramref name="rows"/> holds in evaluation mode.</summary>
    private protected (Controller[] Choices, Footprint Row) Probe(long rows)
    {
        using var scope = NewDisposeScope();
        Batch one = Data.Range(0, 1).To(Device);
        (Tape tape, Footprint row) = Graph.Probe(one.Inputs, one.Side, rows);
        Dictionary<string, Controller> byLayer = Graph.Nodes.SelectMany(n => n.Controllers).ToDictionary(c => c.Layer, StringComparer.Ordinal);
        return ([.. tape.Entries.Where(e => e.Latent).SelectMany(e => Enumerable.Repeat(byLayer[e.Site.Layer], e.Site.Choose))], row);
    }

    /// <summary>Releases what the method holds.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            _track.Dispose();
            _resting?.End();
            _average?.Dispose();
            Optimizer.Dispose();
        }
    }

    private StepResult Describe(MinibatchLoss seen, GraphOutput output, Batch batch)
    {
        var statistics = new SelectionStatistics();
        statistics.Add(output.Tape);
        var score = new PredictionScore(Graph.Head);
        score.Add(output.Features, batch.Targets, batch.Weights);
        return new(seen.Reported.ToDouble(), seen.LogLikelihood.ToDouble(), statistics, score);
    }

    private void FillIdle()
    {
        foreach (Parameter idle in _ofSingleModules.Where(p => p.grad is null))
        {
            idle.grad = zeros_like(idle);
        }
    }

    private double SetRate()
    {
        double rate = _settings.Optimizer.Rate * _settings.Schedule.Factor(_steps++);
        foreach (optim.ILearningRateController group in Optimizer.ParamGroups)
        {
            group.LearningRate = rate;
        }

        return rate;
    }
}
