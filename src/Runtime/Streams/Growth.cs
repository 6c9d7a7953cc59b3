using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A pool whose modules may not all be chosen from the beginning: those that wait are closed to its controllers until a later task asks for more (<see cref="TaskStream.Growth"/>). Shapes
/// never change. Which modules are closed is a buffer of each controller, so a checkpoint has it.
/// </summary>
internal sealed class Growth
{
    private readonly GrowthPlan _plan;
    private readonly Controller[] _controllers;

    private Growth(GrowthPlan plan, Controller[] controllers) => (_plan, _controllers) = (plan, controllers);

    /// <summary>
    /// Closes the modules that wait at first, where that was not done already: of a graph that is trained, and of one into which the weights of such a run are loaded. UserException where the graph has
    /// no such pool, or no module would wait.
    /// </summary>
    internal static Growth Of(Graph graph, GrowthPlan plan)
    {
        ModulePool pool = graph.Pools.FirstOrDefault(p => p.Name == plan.Pool)
            ?? throw new UserException("data/growth", $"the name of a pool: {string.Join(", ", graph.Pools.Select(p => p.Name))}", plan.Pool, "name one of them");
        if (plan.Start < 1 || plan.Start >= pool.Count)
        {
            throw new UserException("data/growth/start", $"from 1 to {pool.Count - 1} of the {pool.Count} modules of {plan.Pool}", $"{plan.Start}", "leave some to grow by");
        }

        var parts = new PoolParts(graph, pool);
        Device device = graph.parameters().First().device;
        foreach (Controller controller in parts.DemandLogits().Controllers)
        {
            controller.Close(plan.Start, device);
        }

        return new(plan, [.. parts.Controllers]);
    }

    /// <summary>Whether the present task is asked before the gradient step that follows so many of its own.</summary>
    internal bool IsDue(long since) => since > 0 && since % _plan.Every == 0 && _controllers[0].Allowed.Count < _controllers[0].Modules;

    /// <summary>Lets controllers choose the next modules, if a loss of the task is above the threshold.</summary>
    internal void Grow(double loss)
    {
        if (loss > _plan.Above)
        {
            foreach (Controller controller in _controllers)
            {
                controller.Open(_plan.Add);
            }
        }
    }
}
