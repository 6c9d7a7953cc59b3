using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Gradient steps in which the modules that nothing chose rest (<see cref="Unselected.Rest"/>): around every step the rows of pools'
/// parameters are taken out of the optimiser's hands, and stepped here.
/// </summary>
internal sealed class RestingModules
{
    private readonly OptimizerKind _kind;
    private readonly Part[] _parts;

    /// <summary>Of the pools, and an optimiser over <paramref name="parameters"/>, theirs among them.</summary>
    internal RestingModules(
        IEnumerable<ModulePool> pools, IEnumerable<Parameter> parameters, OptimizerKind kind, OptimizerHelper optimizer)
    {
        _kind = kind;
        // Parameters are known by the tensor they are; there may be several objects for one.
        Dictionary<nint, TorchSharp.Modules.OptimizerState> states = parameters
            .Zip(optimizer.state_dict().State)
            .ToDictionary(p => p.First.Handle, p => p.Second);
        _parts = [.. pools.Select(pool => new Part(pool, [.. pool.Stacked.Select(p => new ModuleRows(p, states[p.Handle]))]))];
        foreach (Part part in _parts)
        {
            part.Pool.Track(part.InUse);
        }
    }

    /// <summary>How many steps each module has had, by pool.</summary>
    internal IEnumerable<(string Pool, long[] Steps)> Steps => _parts.Select(p => (p.Pool.Name, p.Steps));

    /// <summary>Before a step's forward pass: nothing is in use.</summary>
    internal void Begin()
    {
        foreach (Part part in _parts)
        {
            part.InUse.Clear();
        }
    }

    /// <summary>After the backward pass, before the optimiser's step: leaves it gradients of all that is not a resting module's.</summary>
    internal void Take()
    {
        foreach (Part part in _parts)
        {
            foreach (ModuleRows rows in part.Rows)
            {
                rows.Take();
            }

            for (int m = 0; m < part.Pool.Count; m++)
            {
                foreach (Parameter own in part.Pool.Own(m))
                {
                    using Tensor? gradient = own.grad;
                    if (!part.InUse[m])
                    {
                        own.grad = null;
                    }
                    else if (gradient is null)
                    {
                        own.grad = zeros_like(own);
                    }
                }
            }
        }
    }

    /// <summary>The step of what was taken, at the rate in force.</summary>
    internal void Step(double rate)
    {
        using var noGrad = no_grad();
        foreach (Part part in _parts)
        {
            long[] rows = part.InUse.ToArray();
            long[] steps = Array.ConvertAll(rows, m => ++part.Steps[m]);
            foreach (ModuleRows stacked in part.Rows)
            {
                stacked.Step(_kind, rate, rows, steps);
            }
        }
    }

    /// <summary>Leaves pools as they were: they keep no longer which modules are in use.</summary>
    internal void End()
    {
        foreach (Part part in _parts)
        {
            part.Pool.Track(null);
        }
    }

    private sealed record Part(ModulePool Pool, ModuleRows[] Rows)
    {
        internal ModulesInUse InUse { get; } = new(Pool.Count);

        internal long[] Steps { get; } = new long[Pool.Count];
    }
}
