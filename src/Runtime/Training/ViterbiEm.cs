using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What a gradient step saw: losses per datapoint (nats) and the tape's statistics, if asked for.</summary>
/// <param name="Loss">−mean log p(y|x, a*) − w · mean log p(a*|x), w the controller's weight.</param>
/// <param name="LogLikelihood">mean log p(y|x, a*).</param>
/// <param name="Statistics">How modules were chosen on this minibatch.</param>
/// <param name="Score">How near predictions came to this minibatch's targets.</param>
public sealed record MStepResult(
    double Loss, double LogLikelihood, SelectionStatistics Statistics, PredictionScore Score);

/// <summary>Generalised Viterbi EM (paper, Algorithm 1).</summary>
public sealed class ViterbiEm : IDisposable
{
    private readonly Graph _graph;
    private readonly Dataset _data;
    private readonly Device _device;
    private readonly RandomStreams _streams;
    private readonly MinibatchSampler _eBatches;
    private readonly MinibatchSampler _mBatches;
    private readonly int[] _modulesPerChoice;
    private long _mSteps;

    // Parameters that get no gradient at all in a step that does not choose their module. Zero is what modules in a stack
    // get; without it Adam would pass them over, and what it does would depend on how a pool is stored and dispatched.
    private readonly TorchSharp.Modules.Parameter[] _ofSingleModules;

    /// <summary>
    /// Trains <paramref name="graph"/> (on <paramref name="device"/>) on <paramref name="data"/> (on the CPU), starting
    /// from uniformly random assignments. UserException where the graph has no parameters.
    /// </summary>
    public ViterbiEm(Graph graph, Dataset data, EmSettings settings, RandomStreams streams, Device? device = null)
    {
        if (!graph.parameters().Any())
        {
            throw new UserException(
                "network", "something to learn", "no parameters", "add a layer that has some, such as `linear`");
        }

        (_graph, _data, Settings, _streams, _device) = (graph, data, settings, streams, device ?? CPU);
        _eBatches = new(data.Count, settings.EBatch, streams.EBatches);
        _mBatches = new(data.Count, settings.MBatch, streams.MBatches);
        _modulesPerChoice = ChoicesOf(graph, data, _device);
        _ofSingleModules = [.. graph.modules().OfType<NodePool>().SelectMany(p => p.parameters())];
        Assignments = Assignments.Uniform(data.Count, _modulesPerChoice, streams.Assignments);
        Optimizer = settings.Optimizer.Over(graph.parameters());
    }

    /// <summary>The settings in force.</summary>
    public EmSettings Settings { get; }

    /// <summary>a* of every datapoint.</summary>
    public Assignments Assignments { get; }

    /// <summary>One optimiser for θ and φ.</summary>
    public TorchSharp.Modules.OptimizerHelper Optimizer { get; }

    /// <summary>A partial E-step (Eq. 11) on the next minibatch. Null where there is nothing to choose (every M is 1).</summary>
    public EStepResult? EStep()
    {
        if (!_graph.HasChoice)
        {
            return null;
        }

        using Tensor indices = _eBatches.Next();
        return EStep(indices.data<long>().ToArray());
    }

    /// <summary>A partial E-step (Eq. 11) on given datapoints: a* and S fresh samples are the candidates.</summary>
    public EStepResult EStep(long[] datapoints)
    {
        using var scope = NewDisposeScope();
        Tensor held = Assignments.Get(datapoints).to(_device);
        return Runtime.EStep.Run(
            _graph,
            Fetch(datapoints),
            Settings.Samples + 1,
            new CandidateSelector(held, _streams.Sampling),
            (b, composition) => Assignments.Set(datapoints[b], composition));
    }

    /// <summary>A partial E-step (Eq. 11) on every datapoint, in order. Null where there is nothing to choose.</summary>
    public EStepResult? Sweep()
    {
        if (!_graph.HasChoice)
        {
            return null;
        }

        var all = new EStepResult(0, 0, 0, 0);
        for (long start = 0; start < _data.Count; start += Settings.EBatch)
        {
            EStepResult part = EStep(Range(start, Math.Min(Settings.EBatch, _data.Count - start)));
            all = new(
                all.Datapoints + part.Datapoints, all.Replaced + part.Replaced, all.Before + part.Before, all.After + part.After);
        }

        return all;
    }

    /// <summary>A full E-step (Eq. 10) on given datapoints: every composition is a candidate. For small networks.</summary>
    public EStepResult FullEStep(long[] datapoints)
    {
        using var scope = NewDisposeScope();
        Tensor held = Assignments.Get(datapoints);
        Tensor all = Compositions.All(_modulesPerChoice);
        long total = all.shape[0];
        Tensor candidates = cat([held, all.repeat_interleave(datapoints.Length, dim: 0)], 0).to(_device);
        return Runtime.EStep.Run(
            _graph,
            Fetch(datapoints),
            checked((int)total + 1),
            new GivenSelector(candidates),
            (b, composition) => Assignments.Set(datapoints[b], composition));
    }

    /// <summary>Σ_n log p(y_n, a*_n | x_n) (Eq. 3) over given datapoints, scored in evaluation mode.</summary>
    public double LogJoint(long[] datapoints)
    {
        using var scope = NewDisposeScope();
        Tensor held = Assignments.Get(datapoints).to(_device);
        EStepResult result = Runtime.EStep.Run(_graph, Fetch(datapoints), 1, new GivenSelector(held), (_, _) => { });
        return result.After;
    }

    /// <summary>A gradient step (Eq. 8) on the next minibatch.</summary>
    public void MStep() => Gradient(report: false);

    /// <summary>A gradient step (Eq. 8) on the next minibatch that also says what it saw.</summary>
    public MStepResult MStepAndReport() => Gradient(report: true)!;

    /// <inheritdoc/>
    public void Dispose()
    {
        _eBatches.Dispose();
        _mBatches.Dispose();
        Optimizer.Dispose();
    }

    private MStepResult? Gradient(bool report)
    {
        using var scope = NewDisposeScope();
        _graph.train();
        long[] datapoints = _mBatches.Next().data<long>().ToArray();
        Batch batch = Fetch(datapoints);
        var held = new GivenSelector(Assignments.Get(datapoints).to(_device));
        GraphOutput output = _graph.Forward(batch.Inputs, held, batch.Side);
        Tensor logLikelihood = _graph.Head.MeanLogLikelihood(output.Features, batch.Targets);
        Tensor loss = _graph.HasSites
            ? -(logLikelihood + Settings.ControllerWeight * output.Tape.LogProbability().mean())
            : -logLikelihood;
        Optimizer.zero_grad();
        loss.backward();
        foreach (TorchSharp.Modules.Parameter idle in _ofSingleModules.Where(p => p.grad is null))
        {
            idle.grad = zeros_like(idle);
        }

        SetRate();
        Optimizer.step();
        if (!report)
        {
            return null;
        }

        var statistics = new SelectionStatistics();
        statistics.Add(output.Tape);
        var score = new PredictionScore(_graph.Head);
        score.Add(output.Features, batch.Targets);
        return new(loss.ToDouble(), logLikelihood.ToDouble(), statistics, score);
    }

    private void SetRate()
    {
        double rate = Settings.Optimizer.Rate * Settings.Schedule.Factor(_mSteps++);
        foreach (optim.ILearningRateController group in Optimizer.ParamGroups)
        {
            group.LearningRate = rate;
        }
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

    private Batch Fetch(long[] datapoints) => _data.Get(tensor(datapoints)).To(_device);

    // The graph is asked, not told: one datapoint is run and its tape read.
    private static int[] ChoicesOf(Graph graph, Dataset data, Device device)
    {
        using var scope = NewDisposeScope();
        Batch one = data.Range(0, 1).To(device);
        Tape tape = graph.InEvaluation(() => graph.Forward(one.Inputs, new ModeSelector(), one.Side)).Tape;
        return [.. tape.Entries.Where(e => e.Latent).SelectMany(e => Enumerable.Repeat(e.Site.Modules, e.Site.Choose))];
    }
}
