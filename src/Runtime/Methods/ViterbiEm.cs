using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Generalised Viterbi EM (paper, Algorithm 1). The M-step's loss is −mean log p(y|x, a*) − w · mean log p(a*|x), plus the penalties of
/// layers where there are any; w is the controller's weight, and w = 1 gives Eq. 8. Label smoothing is of the M-step's loss alone: an E-step
/// compares candidates by log p(y|x, a) itself. So are the weights of datapoints: the candidates of a datapoint all have its weight, which
/// cannot change which of them is best.
/// </summary>
public sealed class ViterbiEm : TrainingMethod
{
    private readonly DataTrack _eTrack;
    private readonly int[] _modulesPerChoice;
    private readonly string[] _pools;
    private readonly long _rowsAtOnce;
    private readonly TaskGroups? _groups;
    private double? _reassigned;

    // By which the shards of E-steps draw.
    private long _eSteps;

    /// <summary>
    /// Trains <paramref name="graph"/> (on <paramref name="device"/>) on <paramref name="data"/> (on the CPU), from uniformly random
    /// assignments.
    /// </summary>
    public ViterbiEm(Graph graph, Dataset data, EmSettings settings, RandomStreams streams, Device? device = null)
        : base(graph, data, settings, streams, device)
    {
        Settings = settings;
        DemandFullShards("e_batch", settings.EBatch);
        _groups = settings.Assign == EmAssign.PerTask ? new(data) : null;
        // Stored datapoints get their E-steps as well, since modules and controllers have gone on from when their a* was found.
        _eTrack = _groups is null
            ? Track(settings.EBatch, streams.EBatches, "e", _ => Memory.Draw())
            : new(data, new GroupMinibatches(_groups, _groups.Within(settings.EBatch), streams.EBatches), "e");
        ((Controller Controller, string Pool)[] made, Footprint row) = Probe(settings.EBatch * Drawn);
        Controller[] choices = Array.ConvertAll(made, c => c.Controller);
        _pools = Array.ConvertAll(made, c => c.Pool);
        _modulesPerChoice = Array.ConvertAll(choices, c => c.Modules);
        _rowsAtOnce = Chunking.RowsWithin(settings.EStepBytes, row, graph.parameters().First().dtype);
        IReadOnlyList<int>[]? allowed = choices.Any(c => c.HasMasked) ? Array.ConvertAll(choices, c => c.Allowed) : null;
        Assignments = Assignments.Uniform(data.Count, _modulesPerChoice, streams.Assignments, allowed);
        _groups?.Unify(Assignments);
    }

    /// <summary>The settings in force.</summary>
    public EmSettings Settings { get; }

    /// <summary>a* of every datapoint.</summary>
    public Assignments Assignments { get; }

    /// <inheritdoc/>
    public override double? Reassigned => _reassigned;

    // The number of candidates in an E-step, a* included.
    private int Drawn => Settings.Held == EmHeld.Beside ? Settings.Samples + 1 : Settings.Samples;

    /// <summary>Makes a <see cref="Sweep"/> if the settings ask for one.</summary>
    public override void Begin()
    {
        if (Settings.Start == EmStart.Sweep)
        {
            Sweep();
        }
    }

    /// <summary>A partial E-step (Eq. 11) on the next minibatch. The result is null where there is nothing to choose (every M is 1).</summary>
    public EStepResult? EStep() => Graph.HasChoice ? EStep(_eTrack.Next(Sharding)) : null;

    /// <summary>
    /// A partial E-step (Eq. 11) on given datapoints [B]. The candidates are a* and S fresh samples, or S − 1 where a* is one of the S
    /// (<see cref="EmHeld"/>). Recurrent layers start at zero.
    /// </summary>
    /// <remarks>Under <see cref="EmAssign.PerTask"/>, the datapoints speak for all of their tasks.</remarks>
    /// <exception cref="ArgumentException">Modules are spread over ranks, and there is no datapoint for every shard.</exception>
    public EStepResult EStep(long[] datapoints) => !Graph.IsSpread || datapoints.Length >= Sharding.Count
        ? EStep(Shard.Of(Data, datapoints, Sharding, _ => null))
        : throw new ArgumentException($"expected a datapoint or more for each of {Sharding.Count} shards, where modules are spread, got {datapoints.Length} – give more");

    /// <summary>
    /// A partial E-step (Eq. 11) on every datapoint, in order; in a stream, on every datapoint of the present task. The result is null where there is
    /// nothing to choose.
    /// </summary>
    public EStepResult? Sweep()
    {
        if (!Graph.HasChoice)
        {
            return null;
        }

        if (Data.IsConsecutive)
        {
            using DataTrack track = Track(Settings.EBatch, Streams.EBatches, "sweep");
            return Sum(Present.Count / Settings.EBatch, _ => EStep(track.Next(Sharding)));
        }

        if (_groups is not null)
        {
            int atOnce = (int)_groups.Within(Settings.EBatch);
            int[][] parts = [.. Enumerable.Range(0, _groups.Count).Chunk(atOnce)];
            return Sum(parts.Length, part => EStep([.. parts[part].SelectMany(_groups.Of)]));
        }

        long[] all = [.. Enumerable.Range(checked((int)Present.First), checked((int)Present.Count)).Select(n => (long)n)];
        long[][] chunks = [.. all.Chunk(checked((int)Settings.EBatch))];
        return Sum(chunks.Length, chunk => EStep(chunks[chunk]));
    }

    private EStepResult EStep(Shard[] shards)
    {
        if (_groups is not null && !Sharding.IsWhole)
        {
            throw new UserException(
                "train/assign", "minibatches that are run whole, for `PerTask`, whose tasks may not be cut", $"{Sharding.Count} shards", "leave out `shards`, and train in one process");
        }

        EStepResult seen = Sharding.IsWhole ? EStep(shards[0], Assignments.Set) : ShardedEStep.Run(Sharding, shards, EStep, Assignments);
        _eSteps++;
        return seen;
    }

    private EStepResult EStep(Shard shard, Action<long, long[]> set)
    {
        using var scope = NewDisposeScope();
        At(shard, $"E-step {_eSteps}");
        using var candidates = new DrawnCandidates(OnDevice(shard.Datapoints), Drawn, Streams.Sampling);
        return KeepBest(shard.Datapoints, candidates, shard.Carried, set, Graph.IsSpread ? shard.Most : 0);
    }

    private static EStepResult Sum(long parts, Func<long, EStepResult> eStep)
    {
        var all = new EStepResult(0, 0, 0, 0);
        for (long i = 0; i < parts; i++)
        {
            EStepResult part = eStep(i);
            all = new(
                all.Datapoints + part.Datapoints, all.Replaced + part.Replaced, all.Before + part.Before, all.After + part.After);
        }

        return all;
    }

    /// <summary>A full E-step (Eq. 10) on given datapoints [B]: every composition is a candidate. It is feasible for small networks.</summary>
    public EStepResult FullEStep(long[] datapoints)
    {
        using var scope = NewDisposeScope();
        return KeepBest(datapoints, new EveryComposition(OnDevice(datapoints), Compositions.All(_modulesPerChoice).to(Device)));
    }

    /// <summary>
    /// Σ_n log p(y_n, a*_n | x_n) (Eq. 3) over given datapoints [B], in nats, scored in evaluation mode. Recurrent layers start at zero.
    /// </summary>
    public double LogJoint(long[] datapoints)
    {
        using var scope = NewDisposeScope();
        return KeepBest(datapoints, new HeldAlone(OnDevice(datapoints))).After;
    }

    private EStepResult KeepBest(
        long[] datapoints, Candidates candidates, RecurrentState? carried = null, Action<long, long[]>? set = null, int together = 0) =>
        _groups is null
            ? Runtime.EStep.Run(
                Graph,
                Fetch(datapoints),
                candidates,
                (b, composition) => (set ?? Assignments.Set)(datapoints[b], composition),
                carried,
                _rowsAtOnce,
                together)
            : GroupedEStep.Run(Graph, Fetch(datapoints), Array.ConvertAll(datapoints, _groups.GroupOf), candidates, SetGroup, _rowsAtOnce);

    private void SetGroup(int group, long[] composition)
    {
        foreach (long member in _groups!.Of(group))
        {
            Assignments.Set(member, composition);
        }
    }

    // a* [B, C].
    private Tensor OnDevice(long[] datapoints) => Assignments.Get(datapoints).to(Device);

    /// <summary>Takes a gradient step (Eq. 8) on the next minibatch.</summary>
    public void MStep() => Gradient(report: false);

    /// <summary>Takes a gradient step (Eq. 8) on the next minibatch and reports what it saw.</summary>
    public StepResult MStepAndReport() => Gradient(report: true)!;

    // Counts how often the a* of earlier tasks has each module.
    private void SlowUsed()
    {
        if (Settings.Stream?.Plasticity is not double plasticity)
        {
            return;
        }

        foreach (IGrouping<string, int> choices in Enumerable.Range(0, _pools.Length).GroupBy(c => _pools[c]))
        {
            var counts = new double[_modulesPerChoice[choices.First()]];
            foreach (int choice in choices)
            {
                for (long n = 0; n < Present.First; n++)
                {
                    counts[Assignments[n, choice]]++;
                }
            }

            Slow(choices.Key, plasticity, Array.ConvertAll(counts, count => count / counts.Max()));
        }
    }

    private protected override AssignmentIndex MakeIndex() => new(Assignments, _pools, _modulesPerChoice);

    /// <inheritdoc/>
    public override Tensor? Held(long[] datapoints) => Assignments.Choices > 0 ? Assignments.Get(datapoints) : null;

    /// <summary>Adds the E-steps' place in the data, a* as <c>em.assignments</c> where there are choices, and <c>em.reassigned</c>.</summary>
    public override IEnumerable<(string Name, Tensor Value)> State()
    {
        List<(string, Tensor)> state = [.. base.State(), .. _eTrack.State(Sharding)];
        if (Assignments.Choices > 0)
        {
            state.Add((StateNames.Assignments, Assignments.ToTensor()));
        }

        if (_reassigned is double share)
        {
            state.Add(("em.reassigned", tensor(new[] { share })));
        }

        if (!Sharding.IsWhole)
        {
            state.Add(("em.e_steps", tensor(new[] { _eSteps })));
        }

        return state;
    }

    /// <inheritdoc/>
    public override void Restore(SavedState state)
    {
        base.Restore(state);
        _eTrack.Restore(state, Device, Sharding);
        if (Assignments.Choices > 0)
        {
            Assignments.Restore(state, StateNames.Assignments);
        }

        _reassigned = state.Has("em.reassigned") ? state.Real("em.reassigned") : null;
        _eSteps = Sharding.IsWhole ? 0 : state.Count("em.e_steps");
    }

    /// <summary>Makes an E-step before the first M-step of every round. A task of a stream begins with a round of its own, as a run does.</summary>
    protected override void Prepare(long step)
    {
        long since = step - PresentStart;
        if (since == 0 && step > 0)
        {
            SlowUsed();
            Begin();
        }

        if (since % Settings.MSteps == 0 && EStep() is EStepResult e)
        {
            _reassigned = (double)e.Replaced / e.Datapoints;
        }
    }

    /// <summary>The negative objective of Eq. 8 with q = δ(a*), averaged over the minibatch.</summary>
    protected override MinibatchLoss LossOf(long[] datapoints, Batch batch)
    {
        var held = new GivenSelector(OnDevice(datapoints));
        GraphOutput output = Forward(batch, held);
        Tensor logLikelihood = Graph.Head.MeanLogLikelihood(output.Features, batch.Targets, batch.Weights);
        Tensor fit = Smoothed(logLikelihood, output, batch);
        Tensor loss = Graph.HasSites ? -(fit + Settings.ControllerWeight * batch.Mean(output.Tape.LogProbability())) : -fit;
        return new(Penalised(loss, output), logLikelihood, () => output);
    }

    /// <summary>What Eq. 8 is made of, with the same weight of the controllers.</summary>
    private protected override Tensor ToKeep(long[] datapoints, Batch batch)
    {
        GraphOutput output = Graph.Forward(batch.Inputs, new GivenSelector(OnDevice(datapoints)), batch.Side);
        Tensor logLikelihood = Graph.Head.LogLikelihood(output.Features, batch.Targets).sum();
        return Graph.HasSites ? logLikelihood + Settings.ControllerWeight * output.Tape.LogProbability().sum() : logLikelihood;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _eTrack.Dispose();
        }

        base.Dispose(disposing);
    }
}
