using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Takes gradient steps on a graph's parameters from the gradients that lie there: frozen rows, clipping, the learning rate, modules that rest, the optimiser.</summary>
internal sealed class StepTaker : IDisposable
{
    private const string Consolidated = "method.consolidated";

    private readonly GradientSettings _settings;

    // Parameters that get no gradient at all in a step that does not choose their module. They are given a gradient of zero, as stacked
    // modules get one; else Adam would pass them over, and its steps would depend on how a pool is stored and dispatched.
    private readonly Parameter[] _ofSingleModules;
    private readonly string[] _names;
    private readonly FusedSteps _updates;
    private readonly SpreadPools _spread;
    private readonly FrozenRows _frozen;

    // How many tasks a consolidation had measured in the state that is restored.
    private int _consolidated;

    /// <summary>Makes the optimiser.</summary>
    internal StepTaker(Graph graph, GradientSettings settings)
    {
        _settings = settings;
        _ofSingleModules = [.. graph.modules().OfType<NodePool>().SelectMany(p => p.parameters()).Where(p => p.requires_grad)];
        Parameters = [.. graph.parameters()];
        _names = [.. graph.named_parameters().Select(p => p.name)];
        // Where modules rest, libtorch's optimiser never steps a stacked parameter. It would make moments of all rows at once.
        HashSet<nint> apart = settings.Unselected == Unselected.Rest
            ? [.. graph.Pools.SelectMany(p => p.Stacked).Where(p => p.requires_grad).Select(p => p.Handle)]
            : [];
        Parameter[] together = [.. Parameters.Where(p => !apart.Contains(p.Handle))];
        Optimizer = settings.Optimizer.Over(together);
        Dictionary<nint, ParameterMemory> memories = settings.Optimizer.Memories(together, Optimizer).ToDictionary(m => m.Parameter.Handle);
        Memories = [.. Parameters.Select(p => memories.GetValueOrDefault(p.Handle) ?? settings.Optimizer.Apart(p))];
        _spread = graph.Spread;
        ConsolidationPlan? consolidation = settings.Stream?.Consolidation;
        if (settings.ClipNorm is null && consolidation is not { Weight: > 0 })
        {
            Factored = new(graph.Pools, Memories, settings.LeastFactored);
        }

        _updates = new(Memories, Optimizer, Factored);
        if (settings.Unselected == Unselected.Rest)
        {
            Resting = new(graph.Pools, Memories, Factored);
        }

        _frozen = new(graph.Pools, Memories);
        Plasticity = new(graph.Pools);
        if (consolidation is { Weight: > 0 and double weight })
        {
            Consolidation = new(weight, _names.Zip(Parameters), Resting);
        }
    }

    /// <summary>All parameters of the graph. There may be several objects for one.</summary>
    internal Parameter[] Parameters { get; }

    /// <summary>What the optimiser remembers of each of <see cref="Parameters"/>.</summary>
    internal ParameterMemory[] Memories { get; }

    /// <summary>The optimiser, which is the same for θ and φ.</summary>
    internal OptimizerHelper Optimizer { get; }

    /// <summary>Scales the steps of modules that earlier tasks of a stream use.</summary>
    internal ModulePlasticity Plasticity { get; }

    /// <summary>Pulls parameters towards where earlier tasks of a stream left them; null where nothing does.</summary>
    internal Consolidation? Consolidation { get; }

    /// <summary>Tracks the modules in use; null where none rest.</summary>
    internal RestingModules? Resting { get; }

    /// <summary>Gradients that are made while the optimiser takes its step, where a minibatch is run whole; null where something needs them as tensors.</summary>
    internal FactoredGradients? Factored { get; }

    /// <summary>How many steps were taken.</summary>
    internal long Taken { get; private set; }

    /// <summary>Takes a step, and counts it.</summary>
    internal void Take()
    {
        TakeUncounted();
        Count();
    }

    /// <summary>Counts a step that several workers have taken.</summary>
    internal void Count() => Taken++;

    /// <summary>Takes a step without counting it, because other workers take the same one.</summary>
    internal void TakeUncounted()
    {
        Consolidation?.AddGradients();
        _frozen.Keep();
        if (_settings.ClipNorm is double most)
        {
            GradientNorm.Clip(Parameters, most, _spread);
        }

        double rate = SetRate();
        if (Resting is null)
        {
            FillIdle();
        }

        Resting?.Take();
        Plasticity.Keep();
        _updates.Step(rate);
        Resting?.Step(rate);
        Plasticity.Scale();
        _frozen.PutBack();
    }

    /// <summary>
    /// The steps as <c>method.steps</c>, those of each module as <c>method.module_steps.POOL</c> [M] where modules rest, and how much earlier tasks use each as
    /// <c>method.used_earlier.POOL</c> [M] where a stream has a plasticity, and as <c>method.consolidated</c> how many tasks a consolidation has measured.
    /// </summary>
    internal IEnumerable<(string Name, Tensor Value)> State() =>
    [
        ("method.steps", tensor(new[] { Taken })),
        .. (Resting?.Steps ?? []).Select(p => (StateNames.ModuleSteps + p.Pool, tensor(p.Steps))),
        .. Plasticity.State(),
        .. Consolidation is null ? [] : new[] { (Consolidated, tensor(new[] { (long)Consolidation.Tasks })) },
    ];

    /// <summary>Takes back what <see cref="State"/> gave.</summary>
    internal void Restore(SavedState state)
    {
        Taken = state.Count("method.steps");
        foreach ((string pool, long[] steps) in Resting?.Steps ?? [])
        {
            TensorArrays.Vector<long>(state.Get(StateNames.ModuleSteps + pool, steps.Length)).CopyTo(steps, 0);
        }

        if (_settings.Stream?.Plasticity is double plasticity)
        {
            Plasticity.Restore(state, plasticity);
        }

        _consolidated = Consolidation is null ? 0 : checked((int)state.Count(Consolidated));
    }

    /// <summary>What the optimiser remembers, as <c>PARAMETER.PART</c>, and what a consolidation knows of each parameter.</summary>
    internal IEnumerable<(string Name, Tensor Value)> OptimizerState() =>
        _names.Zip(Memories).SelectMany(p => p.Second.State(), (p, part) => ($"{p.First}.{part.Part}", part.Value)).Concat(Consolidation?.State() ?? []);

    /// <summary>Takes back what <see cref="OptimizerState"/> gave.</summary>
    internal void RestoreOptimizer(SavedState saved)
    {
        foreach ((string name, ParameterMemory memory) in _names.Zip(Memories))
        {
            memory.Restore(saved.Under($"{name}."));
        }

        Consolidation?.Restore(saved, _consolidated);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Resting?.End();
        Factored?.Dispose();
        Consolidation?.Dispose();
        Array.ForEach(Memories, memory => memory.Dispose());
        Optimizer.Dispose();
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
        double rate = _settings.Optimizer.Rate * _settings.Schedule.Factor(Taken);
        foreach (optim.ILearningRateController group in Optimizer.ParamGroups)
        {
            group.LearningRate = rate;
        }

        return rate;
    }
}
