using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>All that a gradient step changes of a graph and its optimiser: parameters, buffers, what the optimiser remembers, and the steps of modules that rest.</summary>
internal sealed class WorkerState
{
    private readonly StepTaker _steps;
    private readonly (string Name, Parameter Parameter, ParameterMemory Memory)[] _parameters;
    private readonly (string Name, Tensor Value)[] _buffers;
    private readonly Dictionary<string, (string Pool, int? Module)> _pools = new(StringComparer.Ordinal);

    internal WorkerState(Graph graph, StepTaker steps)
    {
        _steps = steps;
        _parameters =
        [
            .. steps.Parameters.Zip(steps.Memories).DistinctBy(p => p.First.Handle).Select((p, i) => ($"parameter {i}", p.First, p.Second)),
        ];
        _buffers = [.. graph.buffers().DistinctBy(b => b.Handle).Select((b, i) => ($"buffer {i}", b))];
        foreach ((string name, Parameter parameter, ParameterMemory memory) in _parameters)
        {
            if (PoolOf(graph, parameter) is { } pool)
            {
                _pools.Add(name, pool);
                foreach ((string part, Tensor value) in memory.State().Where(part => part.Value.shape.SequenceEqual(parameter.shape)))
                {
                    _pools.Add($"{name}.{part}", pool);
                }
            }
        }
    }

    /// <summary>The pool that a part is of, and the module, unless it has rows of all; null where it is of no pool.</summary>
    internal (string? Pool, int? Module) PoolOf(string part) => _pools.TryGetValue(part, out (string, int?) pool) ? pool : (null, null);

    /// <summary>A copy of all parts by name, which the caller owns.</summary>
    internal Dictionary<string, Tensor> Copy()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        return Parts().ToDictionary(part => part.Name, part => part.Value.detach().clone().DetachFromDisposeScope(), StringComparer.Ordinal);
    }

    /// <summary>Takes over such a copy.</summary>
    internal void Put(Dictionary<string, Tensor> parts)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var saved = new SavedState("memory", parts);
        foreach ((string name, Parameter parameter, ParameterMemory memory) in _parameters)
        {
            parameter.copy_(parts[name]);
            memory.Restore(saved.Under($"{name}."));
        }

        foreach ((string name, Tensor value) in _buffers)
        {
            value.copy_(parts[name]);
        }

        foreach ((string pool, long[] steps) in _steps.Resting?.Steps ?? [])
        {
            TensorArrays.Vector<long>(parts[StateNames.ModuleSteps + pool]).CopyTo(steps, 0);
        }
    }

    private IEnumerable<(string Name, Tensor Value)> Parts() =>
    [
        .. _parameters.Select(p => (p.Name, (Tensor)p.Parameter)),
        .. _parameters.SelectMany(p => p.Memory.State(), (p, part) => ($"{p.Name}.{part.Part}", part.Value)),
        .. _buffers,
        .. (_steps.Resting?.Steps ?? []).Select(p => (StateNames.ModuleSteps + p.Pool, tensor(p.Steps))),
    ];

    private static (string Pool, int? Module)? PoolOf(Graph graph, Parameter parameter)
    {
        foreach (ModulePool pool in graph.Pools)
        {
            if (pool.Stacked.Any(p => p.Handle == parameter.Handle))
            {
                return (pool.Name, null);
            }

            for (int m = 0; m < pool.Count; m++)
            {
                if (pool.Own(m).Any(p => p.Handle == parameter.Handle))
                {
                    return (pool.Name, m);
                }
            }
        }

        return null;
    }
}
