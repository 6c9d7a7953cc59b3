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
    double Loss, double LogLikelihood, SelectionStatistics Statistics, PredictionScore Score)
{
    /// <summary>The loss of every turn of a game by its name; empty where there are no turns.</summary>
    public IReadOnlyList<(string Turn, double Loss)> Turns { get; init; } = [];
}

/// <summary>A method's loss on one minibatch.</summary>
/// <param name="Loss">The scalar to minimise, with gradient.</param>
/// <param name="LogLikelihood">The scalar of <see cref="StepResult.LogLikelihood"/>.</param>
/// <param name="Seen">Gives the forward pass from which statistics and scores are taken; called only where they are wanted.</param>
public sealed record MinibatchLoss(Tensor Loss, Tensor LogLikelihood, Func<GraphOutput> Seen)
{
    /// <summary>The scalar that a report gives as the loss, where it is not the value of <see cref="Loss"/>.</summary>
    public Tensor Reported { get; init; } = Loss;

    /// <summary>Whether the pass that <see cref="Seen"/> gives predicts the minibatch's targets, so that predictions can be scored by them.</summary>
    internal bool IsScored { get; init; } = true;
}

/// <summary>
/// A way to train a graph: gradient steps on minibatches by one optimiser for θ and φ, and what the method does between them. A method is a
/// loop around <see cref="Selector"/>s, one for its steps and one for evaluation.
/// </summary>
/// <remarks>Where datapoints have weights, every mean over a minibatch is by them: Σ_n w_n ℓ_n / Σ_n w_n (<see cref="Batch.Mean"/>).</remarks>
public abstract partial class TrainingMethod : Training
{
    private readonly DataTrack _track;
    private readonly GradientSettings _settings;
    private readonly StepTaker _steps;
    private readonly WeightAverage? _average;
    private readonly LateFiniteness _late = new();
    private Sharding? _sharding;
    private LooseWorkers? _loose;

    // What is being run.
    private Shard? _shard;

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
        DemandFullShards("batch", settings.Batch);
        if (graph.IsSpread && settings.LooseRounds is not null)
        {
            throw new UserException(
                "train/loose_rounds", "none where modules are spread, since each has its weights on one rank alone", "some", "leave it out, or leave `spread` out of the pools");
        }

        _growth = MakeGrowth();
        Multiply(settings.Precision);
        Finiteness.Demand(data, "training");
        InputRanges.Demand(graph, data, Device);
        _track = Track(settings.Batch, streams.MBatches, "m", Replayed);
        _steps = new(graph, settings);
        if (settings.AverageWeights is double decay)
        {
            _average = new(graph, decay);
        }
    }

    /// <summary>How minibatches are cut. UserException where the ranks cannot share so many shards.</summary>
    internal override Sharding Sharding => _sharding ??= !Graph.IsSpread || Graph.Spread.Ranks == Ranks
        ? new(_settings.Shards, Ranks)
        : throw new ArgumentException("expected a graph whose modules are spread over the method's own ranks, got one of others – make both with the same ranks");

    private void Multiply(Precision precision)
    {
        if (precision == Precision.Bfloat16Products
            && (Graph.IsSpread || Graph.Pools.Count == 0 || Graph.parameters().Any(p => p.is_floating_point() && p.dtype != ScalarType.Float32)))
        {
            throw new UserException(
                "train/precision", "a network with modules, in this process and in float32, for products in bfloat16",
                Graph.IsSpread ? "modules that are spread" : Graph.Pools.Count == 0 ? "one without any" : "parameters of another type", "leave it out");
        }

        Array.ForEach([.. Graph.Pools], pool => pool.Precision = precision);
    }

    // Where modules live on ranks, every rank runs every pass: a shard without datapoints would have none.
    private protected void DemandFullShards(string setting, long size)
    {
        foreach (long count in _settings.Stream?.Tasks.Select(task => task.Count) ?? [Data.Count])
        {
            long left = Data.IsConsecutive ? 0 : count % size;
            long least = left > 0 || count < size ? left : size;
            if (Graph.IsSpread && least < _settings.Shards)
            {
                throw new UserException(
                    $"train/{setting}", $"{_settings.Shards} datapoints or more in every minibatch, one for each shard, where modules are spread",
                    least < size ? $"{least} in the last one of a pass through {count} datapoints" : $"{least}",
                    $"give another `{setting}`, or cut minibatches into fewer shards");
            }
        }
    }

    /// <summary>A way through the training data, or through the present task's where they are a stream.</summary>
    private protected DataTrack Track(long size, Generator generator, string name, Func<long[], long[]>? more = null) => new(
        Data,
        _settings.Stream is TaskStream stream
            ? new StreamMinibatches(stream, () => PresentTask, size, Data.IsConsecutive, generator)
            : Minibatches.Of(Data, size, generator),
        name,
        _settings.Stream?.Replay is null ? null : more);

    /// <summary>The optimiser, which is the same for θ and φ.</summary>
    public OptimizerHelper Optimizer => _steps.Optimizer;

    /// <summary>The deterministic selector for held-out data. It takes the most probable module of every position, unless the method says otherwise.</summary>
    public override Selector Evaluating => new ModeSelector();

    /// <summary>
    /// Puts the moving average of the weights in their place, where one is kept, until the result is disposed of; no step may be taken in the
    /// meantime. Null where none is kept (<see cref="GradientSettings.AverageWeights"/>).
    /// </summary>
    /// <example><code>using (method.UseAverage()) { Evaluation.Of(graph, [held], 128, method.Device, method.Evaluating); }</code></example>
    public override IDisposable? UseAverage() => _average?.Use();

    /// <summary>The graph that is trained.</summary>
    protected Graph Graph { get; }

    /// <summary>The training data.</summary>
    protected Dataset Data { get; }

    /// <inheritdoc/>
    internal override IReadOnlyList<(string Prefix, Graph Graph)> Graphs => [("", Graph)];

    /// <summary>The device on which the graph is.</summary>
    public override Device Device { get; }

    /// <summary>The random streams of the run.</summary>
    protected RandomStreams Streams { get; }

    /// <summary>
    /// Does what the method does before a gradient step, and takes the step on the next minibatch. NonFiniteException where its loss or
    /// gradients are not finite; the parameters are then as they were.
    /// </summary>
    public override void Step()
    {
        Ready();
        Gradient(report: false);
    }

    /// <summary>NonFiniteException where a step on an accelerator, where steps are checked late, had a loss or a gradient that is not finite.</summary>
    internal override void DemandFiniteSteps() => _late.Demand();

    /// <summary>NonFiniteException where a parameter is not finite after the steps so far.</summary>
    internal override void DemandFiniteParameters()
    {
        _late.Demand();
        NonFiniteException? wrong = Finiteness.OfParameters(Graph, _steps.Taken);
        if (Graph.Spread.AnySays(wrong is not null))
        {
            throw Graph.IsSpread && Ranks.Count > 1 ? Finiteness.Agreed(Ranks, _steps.Taken, wrong?.Message ?? "") : wrong!;
        }
    }

    /// <summary>Does the same as <see cref="Step"/> and reports what the step saw.</summary>
    public override StepResult StepAndReport()
    {
        Ready();
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
    public override IEnumerable<(string Name, Tensor Value)> State() =>
    [
        .. _steps.State(),
        .. _track.State(Sharding),
        .. _average?.State() ?? [],
    ];

    /// <summary>What the optimiser remembers, as <c>PARAMETER.PART</c>, for a checkpoint.</summary>
    internal override IEnumerable<(string Name, Tensor Value)> OptimizerState() => _steps.OptimizerState();

    /// <summary>Takes back what <see cref="OptimizerState"/> gave.</summary>
    internal override void RestoreOptimizer(SavedState saved) => _steps.RestoreOptimizer(saved);

    /// <summary>Takes back what <see cref="State"/> gave. It is called in place of <see cref="Training.Begin"/>.</summary>
    public override void Restore(SavedState state)
    {
        _steps.Restore(state);
        _track.Restore(state, Device, Sharding);
        _average?.Restore(state);
    }

    // What comes before a gradient step: first what a stream asks for between its tasks, then what the method does.
    private void Ready()
    {
        Consolidate();
        Grow();
        Prepare(_steps.Taken);
    }

    /// <summary>Does what the method does before gradient step <paramref name="step"/>, counted from 0.</summary>
    protected virtual void Prepare(long step)
    {
    }

    /// <summary>
    /// Does what the method does before it runs this rank's shards of a minibatch, within the step's dispose scope.
    /// </summary>
    private protected virtual void BeginStep(IReadOnlyList<Shard> shards)
    {
    }

    /// <summary>
    /// Does what the method does after a gradient step, within the step's dispose scope and without gradient. <paramref name="logLikelihood"/> is the mean
    /// log-likelihood over the minibatch; where it is on an accelerator, asking for its value makes every step wait.
    /// </summary>
    protected virtual void Conclude(LateNumber logLikelihood)
    {
    }

    /// <summary>The loss on a minibatch: the numbers of its datapoints [B], and the datapoints themselves on the graph's device.</summary>
    protected abstract MinibatchLoss LossOf(long[] datapoints, Batch batch);

    /// <summary>
    /// Ends a round of shards that train by themselves (<see cref="GradientSettings.LooseRounds"/>) before its time, so that the weights are the average of theirs, by
    /// which a network is evaluated and saved. Does nothing where every step adds their gradients, or a round has just ended. All ranks call it together.
    /// </summary>
    public override void Settle()
    {
        if (_loose?.Settle() is (long steps, double logLikelihood))
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            for (; steps > 0; steps--)
            {
                Conclude(new(logLikelihood));
            }
        }
    }

    /// <summary>Whether a run may be stopped here and go on later as if it had not been: every rank has the same weights.</summary>
    internal override bool IsSettled => _loose?.IsSettled ?? true;

    /// <summary>Takes a gradient step on the next minibatch. The result is null unless a report is asked for.</summary>
    protected StepResult? Gradient(bool report)
    {
        using var scope = NewDisposeScope();
        Graph.train();
        Shard[] shards = _track.Next(Sharding);
        BeginStep(shards);
        Optimizer.zero_grad();
        if (_settings.LooseRounds is long round && !Sharding.IsWhole)
        {
            _loose ??= new(Graph, _steps, Sharding);
            StepResult? seen = _loose.Step(shards, Run, Demand, report);
            Streams.Enter($"after step {_steps.Taken}");
            if (_steps.Taken % round == 0)
            {
                Settle();
            }

            return seen;
        }

        (Tensor loss, LateNumber logLikelihood, Func<StepResult?> describe) = Sharding.IsWhole ? RunWhole(shards[0], report) : RunShards(shards, report);
        if (Sharding.IsWhole && !Graph.IsSpread && Accelerator.Holds(loss))
        {
            _late.Watch(_steps.Taken + 1, loss, _steps.Parameters);
        }
        else
        {
            Demand(shards, loss);
        }

        _steps.Take();
        using (no_grad())
        {
            Conclude(logLikelihood);
            _average?.Add(_steps.Taken);
        }

        if (report)
        {
            _late.Demand();
        }

        return describe();
    }

    private void Demand(Shard[] shards, Tensor loss)
    {
        if (Graph.Spread.AnySays(!Finiteness.Holds(loss, _steps.Parameters)))
        {
            throw Explain(shards, loss.ToDouble());
        }
    }

    private (Tensor Loss, LateNumber LogLikelihood, Func<StepResult?> Describe) RunWhole(Shard minibatch, bool report)
    {
        _steps.Resting?.Begin();
        Graph.Spread.Begin();
        _steps.Factored?.Begin();
        (MinibatchLoss seen, Batch batch) = Run(minibatch);
        GraphOutput? output = report ? seen.Seen() : null;
        // Where only frozen modules ran, and controllers are frozen, nothing is to be learned from the minibatch.
        if (seen.Loss.requires_grad)
        {
            seen.Loss.backward();
        }

        _steps.Factored?.End();
        Graph.Spread.PutGradients();
        return (seen.Loss, new(seen.LogLikelihood), () => output is null ? null : Describe(seen, output, batch));
    }

    private (Tensor Loss, LateNumber LogLikelihood, Func<StepResult?> Describe) RunShards(Shard[] shards, bool report)
    {
        (Tensor loss, double logLikelihood, StepResult? seen) = ShardedPass.Run(Graph, Sharding, _steps, shards, Run, report);
        Streams.Enter($"after step {_steps.Taken}");
        return (loss, new(logLikelihood), () => seen);
    }

    private (MinibatchLoss Loss, Batch Batch) Run(Shard shard)
    {
        At(shard, $"step {_steps.Taken}");
        Batch batch = Fetch(shard.Datapoints);
        return (LossOf(shard.Datapoints, batch), batch);
    }

    /// <summary>Says that what runs next is this shard of a place in the run, such as a step.</summary>
    private protected void At(Shard shard, string place)
    {
        _shard = shard;
        _loose?.Enter(shard.Number);
        if (!Sharding.IsWhole)
        {
            Streams.Enter($"{place}, shard {shard.Number}");
        }
    }

    // All ranks give the same explanation: that of the first rank that can tell the place.
    private NonFiniteException Explain(Shard[] shards, double loss)
    {
        NonFiniteException own = Finiteness.Explain(Graph, _steps.Taken + 1, loss, () => Array.ForEach(shards, shard =>
        {
            if (!shard.IsEmpty)
            {
                _ = Run(shard);
            }
        }));
        // Shards that train by themselves fail by themselves.
        if (Ranks.Count == 1 || _loose is not null)
        {
            return own;
        }

        return Finiteness.Agreed(Ranks, _steps.Taken + 1, own.Message);
    }

    /// <summary>Runs the graph on the minibatch of a gradient step. Recurrent layers go on from where the minibatch before left them.</summary>
    protected GraphOutput Forward(Batch batch, Selector selector) =>
        Graph.Forward(batch.Inputs, selector, batch.SideWithTargets, _shard!.Carried);

    /// <summary>Runs the graph in the same way, but the next minibatch does not go on from here.</summary>
    protected GraphOutput Glance(Batch batch, Selector selector)
    {
        using RecurrentState? carried = _shard!.Carried?.Copy();
        return Graph.Forward(batch.Inputs, selector, batch.SideWithTargets, carried);
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
    protected int[] ModulesPerChoice() => [.. Probe(1).Choices.Select(c => c.Controller.Modules)];

    /// <summary>The controller and the pool's name of every choice, [C], and what one row of <paramref name="rows"/> holds in evaluation mode.</summary>
    private protected ((Controller Controller, string Pool)[] Choices, Footprint Row) Probe(long rows)
    {
        using var scope = NewDisposeScope();
        Batch one = Data.Range(0, 1).To(Device);
        (Tape tape, Footprint row) = Graph.Probe(one.Inputs, one.Side, rows);
        Dictionary<string, Controller> byLayer = Graph.Nodes.SelectMany(n => n.Controllers).ToDictionary(c => c.Layer, StringComparer.Ordinal);
        return ([.. tape.Entries.Where(e => e.Latent).SelectMany(e => Enumerable.Repeat((byLayer[e.Site.Layer], e.Site.Pool), e.Site.Choose))], row);
    }

    /// <summary>Releases what the method holds.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _track.Dispose();
            _memory?.Dispose();
            _steps.Dispose();
            _loose?.Dispose();
            _average?.Dispose();
            Array.ForEach([.. Graph.Pools], pool => pool.Precision = Precision.Weights);
        }
    }

    private StepResult Describe(MinibatchLoss seen, GraphOutput output, Batch batch)
    {
        var late = new LateNumbers();
        var statistics = new SelectionStatistics(late);
        statistics.Add(output.Tape);
        var score = new PredictionScore(Graph.Head, late);
        if (seen.IsScored)
        {
            score.Add(output.Features, batch.Targets, batch.Weights);
        }

        (double loss, double logLikelihood) = (0, 0);
        late.Add([seen.Reported, seen.LogLikelihood], values => (loss, logLikelihood) = (values[0][0], values[1][0]));
        late.Read(Wait.Report);
        return new(loss, logLikelihood, statistics, score);
    }
}
