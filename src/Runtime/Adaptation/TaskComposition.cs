using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The modules that a layer runs for a task.</summary>
/// <param name="Layer">The name of the modular layer.</param>
/// <param name="Pool">The name of the pool that the modules belong to.</param>
/// <param name="Modules">The modules, position by position, [K].</param>
public sealed record LayerModules(string Layer, string Pool, IReadOnlyList<int> Modules);

/// <summary>One composition for all datapoints of a task: the modules of every layer, on sequences the same at every step.</summary>
/// <param name="Layers">The layers that choose, in their order.</param>
public sealed record TaskComposition(IReadOnlyList<LayerModules> Layers)
{
    /// <summary>Makes every choice as the composition says. ArgumentException, from the selector, where a layer chooses that has no modules here.</summary>
    public Selector Selector() => new TaskSelector(this);

    /// <summary>
    /// What <paramref name="datapoints"/> datapoints bring beside x. Where controllers read a task id and there is none, as of a new task, it becomes 0: the composition makes
    /// the choices, whatever those controllers say. It stays as it is where anything else reads the task id.
    /// </summary>
    public static SideInputs? Beside(Graph graph, SideInputs? side, long datapoints, Device device)
    {
        Controller[] controllers = [.. graph.Nodes.SelectMany(n => n.Controllers)];
        return side?.Tasks is null && controllers.Any(c => c is TaskController) && !controllers.Any(c => c is ByTaskController)
            ? new(zeros([datapoints], ScalarType.Int64, device), side?.Given, side?.Weights)
            : side;
    }

    /// <summary>The layers with their modules: <c>modular1: 3, 7; modular2: 0</c>.</summary>
    public override string ToString() => string.Join("; ", Layers.Select(layer => $"{layer.Layer}: {string.Join(", ", layer.Modules)}"));

    private sealed class TaskSelector(TaskComposition composition) : SameModulesSelector
    {
        private readonly Dictionary<string, long[]> _modules =
            composition.Layers.ToDictionary(layer => layer.Layer, layer => layer.Modules.Select(m => (long)m).ToArray(), StringComparer.Ordinal);

        protected override Tensor Modules(Site site, Device device) =>
            _modules.TryGetValue(site.Layer, out long[]? modules) && modules.Length == site.Choose && modules.All(m => m >= 0 && m < site.Modules)
                ? tensor(modules, device: device)
                : throw new ArgumentException(
                    $"{site.Layer}: expected {site.Choose} modules from 0 to {site.Modules - 1} in the task's composition, got {(modules is null ? "none" : string.Join(", ", modules))}");
    }
}
