using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Generalised Viterbi EM (paper, Algorithm 1). Its loss is −mean log p(y|x, a*) − w · mean log p(a*|x), w the controller's weight, and
/// penalties of layers where there are any.
/// </summary>
public sealed class ViterbiEm : TrainingMethod
{
    private readonly Minibatches _eBatches;
    private readonly RecurrentState? _carried;
    private readonly int[] _modulesPerChoice;
    private readonly long _rowsAtOnce;
    private double? _reassigned;

    /// <summary>
    /// Trains <paramref name="graph"/> (on <paramref name="device"/>) on <paramref name="data"/> (on the CPU), starting
    /// from uniformly random assignments.
    /// </summary>
    public ViterbiEm(Graph graph, Dataset data, EmSettings settings, RandomStreams streams, Device? device = null)
        : base(
            graph,
            data,
            new(settings.MBatch)
            {
                Optimizer = settings.Optimizer,
                Schedule = settings.Schedule,
                Unselected = settings.Unselected,
            },
            streams,
            device)
    {
        Settings = settings;
        _eBatches = Minibatches.Of(data, settings.EBatch, streams.EBatches);
        _carried = data.IsConsecutive ? new() : null;
        (_modulesPerChoice, long rowBytes) = Probe(settings.EBatch * Drawn);
        _rowsAtOnce = Math.Max(1, settings.EStepBytes / rowBytes);
        Assignments = Assignments.Uniform(data.Count, _modulesPerChoice, streams.Assignments);
    }

    /// <summary>The settings in force.</summary>
    public EmSettings Settings { get; }

    /// <summary>a* of every datapoint.</summary>
    public Assignments Assignments { get; }

    /// <inheritdoc/>
    public override double? Reassigned => _reassigned;

    // Candidates of an E-step, a* among them.
    private int Drawn => Settings.Held == EmHeld.Beside ? Settings.Samples + 1 : Settings.Samples;

    /// <summary>A <see cref="Sweep"/>, if the settings ask for one.</summary>
    public override void Begin()
    {
        if (Settings.Start == EmStart.Sweep)
        {
            Sweep();
        }
    }

    /// <summary>A partial E-step (Eq. 11) on the next minibatch. Null where there is nothing to choose (every M is 1).</summary>
    public EStepResult? EStep()
    {
        if (!Graph.HasChoice)
        {
            return null;
        }

        return EStep(_eBatches, _carried);
    }

    /// <summary>
    /// A partial E-step (Eq. 11) on given datapoints: a* and S fresh samples are the candidates, or S − 1 where a* is one of
    /// the S. Recurrent layers start at zero.
    /// </summary>
    public EStepResult EStep(long[] datapoints) => EStep(datapoints, null);

    private EStepResult EStep(Minibatches batches, RecurrentState? carried)
    {
        using Tensor indices = batches.Next();
        if (batches.BeginsPass)
        {
            carried?.Clear();
        }

        return EStep(TensorArrays.Vector<long>(indices), carried);
    }

    private EStepResult EStep(long[] datapoints, RecurrentState? carried)
    {
        using var scope = NewDisposeScope();
        using var candidates = new DrawnCandidates(Assignments.Get(datapoints).to(Device), Drawn, Streams.Sampling);
        return Runtime.EStep.Run(
            Graph,
            Fetch(datapoints),
            candidates,
            (b, composition) => Assignments.Set(datapoints[b], composition),
            carried,
            _rowsAtOnce);
    }

    /// <summary>A partial E-step (Eq. 11) on every datapoint, in order. Null where there is nothing to choose.</summary>
    public EStepResult? Sweep()
    {
        if (!Graph.HasChoice)
        {
            return null;
        }

        if (Data.IsConsecutive)
        {
            using var batches = new ConsecutiveMinibatches(Data.Count, Settings.EBatch);
            using var carried = new RecurrentState();
            return Sum(Data.Count / Settings.EBatch, _ => EStep(batches, carried));
        }

        return Sum(
            (Data.Count + Settings.EBatch - 1) / Settings.EBatch,
            part => EStep(Range(part * Settings.EBatch, Math.Min(Settings.EBatch, Data.Count - part * Settings.EBatch))));
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

    /// <summary>A full E-step (Eq. 10) on given datapoints: every composition is a candidate. For small networks.</summary>
    public EStepResult FullEStep(long[] datapoints)
    {
        using var scope = NewDisposeScope();
        Tensor held = Assignments.Get(datapoints).to(Device);
        Tensor all = Compositions.All(_modulesPerChoice).to(Device);
        return Runtime.EStep.Run(
            Graph,
            Fetch(datapoints),
            new EveryComposition(held, all),
            (b, composition) => Assignments.Set(datapoints[b], composition),
            rowsAtOnce: _rowsAtOnce);
    }

    /// <summary>Σ_n log p(y_n, a*_n | x_n) (Eq. 3) over given datapoints, scored in evaluation mode; recurrent layers start at zero.</summary>
    public double LogJoint(long[] datapoints)
    {
        using var scope = NewDisposeScope();
        Tensor held = Assignments.Get(datapoints).to(Device);
        EStepResult result = Runtime.EStep.Run(
            Graph, Fetch(datapoints), new HeldAlone(held), (_, _) => { }, rowsAtOnce: _rowsAtOnce);
        return result.After;
    }

    /// <summary>A gradient step (Eq. 8) on the next minibatch.</summary>
    public void MStep() => Gradient(report: false);

    /// <summary>A gradient step (Eq. 8) on the next minibatch that also says what it saw.</summary>
    public StepResult MStepAndReport() => Gradient(report: true)!;

    /// <inheritdoc/>
    public override Tensor? Held(long[] datapoints) => Assignments.Choices > 0 ? Assignments.Get(datapoints) : null;

    /// <summary>a* as <c>em.assignments</c>, where there are choices, and the place of E-steps in the data.</summary>
    public override IEnumerable<(string Name, Tensor Value)> State()
    {
        List<(string, Tensor)> state = [.. base.State(), .. Place(_eBatches, _carried, "e")];
        if (Assignments.Choices > 0)
        {
            state.Add(("em.assignments", Assignments.ToTensor()));
        }

        if (_reassigned is double share)
        {
            state.Add(("em.reassigned", tensor(new[] { share })));
        }

        return state;
    }

    /// <inheritdoc/>
    public override void Restore(SavedState state)
    {
        base.Restore(state);
        Restore(state, _eBatches, _carried, "e");
        if (Assignments.Choices > 0)
        {
            Assignments.Restore(state, "em.assignments");
        }

        _reassigned = state.Has("em.reassigned") ? state.Real("em.reassigned") : null;
    }

    /// <summary>An E-step before the first M-step of every round.</summary>
    protected override void Prepare(long step)
    {
        if (step % Settings.MSteps == 0 && EStep() is EStepResult e)
        {
            _reassigned = (double)e.Replaced / e.Datapoints;
        }
    }

    /// <summary>Eq. 8, negated, at q = δ(a*).</summary>
    protected override MinibatchLoss LossOf(long[] datapoints, Batch batch)
    {
        var held = new GivenSelector(Assignments.Get(datapoints).to(Device));
        GraphOutput output = Forward(batch, held);
        Tensor logLikelihood = Graph.Head.MeanLogLikelihood(output.Features, batch.Targets);
        Tensor loss = Graph.HasSites
            ? -(logLikelihood + Settings.ControllerWeight * output.Tape.LogProbability().mean())
            : -logLikelihood;
        return new(Penalised(loss, output), logLikelihood, () => output);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _eBatches.Dispose();
            _carried?.Dispose();
        }

        base.Dispose(disposing);
    }

    private static long[] Range(long start, long count)
    {
        var indices = new long[count];
        for (long i = 0; i < count; i++)
        {
            indices[i] = start + i;
        }

        return indices;
    }
}
