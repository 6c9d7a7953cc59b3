using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The names under which the state of a graph holds what there is one of for every module of a pool.</summary>
internal sealed class PoolParts
{
    /// <summary>Looks the names up.</summary>
    internal PoolParts(Graph graph, ModulePool pool)
    {
        Pool = pool;
        ILookup<nint, string> names = graph.state_dict().ToLookup(entry => entry.Value.Handle, entry => entry.Key);
        Stacked = [.. pool.Stacked.SelectMany(p => names[p.Handle])];
        Apart = StateNames.OfPool(pool.Name) + "module";
        Controllers = [.. graph.Nodes.SelectMany(Over).Distinct()];
        PerChoice = [.. Controllers.SelectMany(c => c.PerChoice.SelectMany(p => names[p.Handle]))];
        Biases = [.. Controllers.OfType<LogitController>().SelectMany(c => names[c.OwnBias.Handle])];
        PerModule = [.. Controllers.SelectMany(c => new[] { c.Balance, c.Closed }).OfType<Tensor>().SelectMany(b => names[b.Handle])];
    }

    /// <summary>
    /// UserException where a controller over the pool gives logits in a way that cannot be edited: for edits that change which modules there are, or how probable they are.
    /// </summary>
    internal PoolParts DemandLogits()
    {
        foreach (Controller unfit in Controllers.Where(c => !c.Latent || !c.PerChoice.Any()))
        {
            throw new UserException(
                $"{unfit.Layer}/controller",
                $"a controller with logits of its own for every module of pool {Pool.Name}",
                !unfit.Latent ? "choices that the data give"
                    : unfit is FactoredController ? "a factored one, whose logits are those of digits"
                    : "a custom one, whose form only its code knows",
                "edit a pool that other controllers choose from");
        }

        return this;
    }

    /// <summary>The pool.</summary>
    internal ModulePool Pool { get; }

    /// <summary>The controllers that choose from the pool.</summary>
    internal IReadOnlyList<Controller> Controllers { get; }

    /// <summary>Parameters of the pool, [M, …].</summary>
    internal IReadOnlyList<string> Stacked { get; }

    /// <summary>What the names of modules that are not stacked begin with, before their number.</summary>
    internal string Apart { get; }

    /// <summary>Parameters of controllers, [K·M, …], position by position.</summary>
    internal IReadOnlyList<string> PerChoice { get; }

    /// <summary>Those of <see cref="PerChoice"/> that are added to logits.</summary>
    internal IReadOnlyList<string> Biases { get; }

    /// <summary>Buffers of controllers, [M].</summary>
    internal IReadOnlyList<string> PerModule { get; }

    private IEnumerable<Controller> Over(Node node) => node switch
    {
        ContainerNode container => container.Inside.SelectMany(Over),
        _ => node.Pools.Contains(Pool) ? node.Controllers : [],
    };
}
