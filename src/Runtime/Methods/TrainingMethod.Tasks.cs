using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <content>What a training method does where its data are a stream of tasks.</content>
public abstract partial class TrainingMethod
{
    private readonly Growth? _growth;
    private ReplayMemory? _memory;

    /// <summary>The number of the task that the next gradient step is of, from 0; 0 where the data are no stream.</summary>
    public int PresentTask => _settings.Stream?.At(_steps.Taken) ?? 0;

    /// <summary>The first datapoint of the present task, and how many it has: all where the data are no stream.</summary>
    private protected (long First, long Count) Present =>
        _settings.Stream?.Tasks[PresentTask] is TaskSpan task ? (task.First, task.Count) : (0, Data.Count);

    /// <summary>The number of gradient steps before the present task.</summary>
    private protected long PresentStart => _settings.Stream?.Start(PresentTask) ?? 0;

    /// <summary>What is stored of the tasks before the present one; only where the stream has a replay.</summary>
    private protected ReplayMemory Memory
    {
        get
        {
            _memory ??= new(_settings.Stream!, Streams.Seed, () => Streams["replay"], MakeIndex);
            _memory.Enter(PresentTask);
            return _memory;
        }
    }

    /// <summary>An empty index of the assignments a*. ArgumentException where the method holds none.</summary>
    private protected virtual AssignmentIndex MakeIndex() =>
        throw new ArgumentException("expected a method with assignments a* for replay by module, got one without – replay uniformly");

    /// <summary>Scales the steps of a pool's modules from here on, by the share [M] by which earlier tasks use each.</summary>
    private protected void Slow(string pool, double plasticity, double[] used) => _steps.Plasticity.Set(pool, plasticity, used);

    // Measures what a task that has ended needs of each parameter, before anything of the next task is done.
    private void Consolidate()
    {
        if (_steps.Consolidation is not { } consolidation || consolidation.Tasks >= PresentTask)
        {
            return;
        }

        bool before = Graph.training;
        Graph.eval();
        try
        {
            while (consolidation.Tasks < PresentTask)
            {
                using var scope = NewDisposeScope();
                long[] drawn = _settings.Stream!.Tasks[consolidation.Tasks].Draw(_settings.Stream.Consolidation!.Datapoints, Streams.Seed, "consolidation");
                double[] weights = Data.Get(tensor(drawn)).Weights is Tensor given ? TensorArrays.Vector<double>(given) : Array.ConvertAll(drawn, _ => 1.0);
                consolidation.Add([.. drawn.Zip(weights)], n => ToKeep([n], Fetch([n])));
            }
        }
        finally
        {
            Graph.train(before);
        }
    }

    // Lets controllers choose more modules where the present task asks for them.
    private void Grow()
    {
        if (_growth is null || PresentTask == 0 || !_growth.IsDue(_steps.Taken - PresentStart))
        {
            return;
        }

        using var scope = NewDisposeScope();
        Batch batch = Fetch(_settings.Stream!.Tasks[PresentTask].Draw(_settings.Stream.Growth!.Datapoints, Streams.Seed, "growth"));
        Tensor mean = Graph.InEvaluation(() => Graph.Head.MeanLogLikelihood(Graph.Forward(batch.Inputs, Evaluating, batch.Side).Features, batch.Targets, batch.Weights));
        _growth.Grow(-FromDevice.Number(mean, Wait.Asked));
    }

    /// <summary>
    /// What a consolidation keeps of datapoints, by how its gradient depends on the parameters: Σ log p(y|x, a) → scalar, with the modules that evaluation takes. The graph is
    /// in evaluation mode, and recurrent layers start at zero. A method whose steps also raise log p(a|x) adds it.
    /// </summary>
    private protected virtual Tensor ToKeep(long[] datapoints, Batch batch) =>
        Graph.Head.LogLikelihood(Graph.Forward(batch.Inputs, Evaluating, batch.Side).Features, batch.Targets).sum();

    // What is added to a minibatch of a gradient step.
    private long[] Replayed(long[] minibatch) => _settings.Stream!.Replay!.ByModule ? Memory.DrawMeeting(minibatch) : Memory.Draw();

    // What the stream lets controllers choose. UserException where the ranks share the network in a way that the stream's settings do not know.
    private Growth? MakeGrowth()
    {
        if (Graph.IsSpread && _settings.Stream?.Consolidation is not null)
        {
            throw new UserException(
                "data/consolidation", "modules that all ranks have, for consolidation", "modules that are spread", "leave it out, or leave `spread` out of the pools");
        }

        if (_settings.Stream?.Growth is GrowthPlan growth)
        {
            if (Graph.IsSpread || _settings.LooseRounds is not null)
            {
                throw new UserException(
                    "data/growth", "modules that all ranks have, and no loose rounds, for growth",
                    Graph.IsSpread ? "modules that are spread" : "`loose_rounds`", "leave one of them out");
            }

            return Growth.Of(Graph, growth);
        }

        return null;
    }
}
