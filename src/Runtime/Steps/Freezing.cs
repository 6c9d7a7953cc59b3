using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>Marks parts of a graph that training leaves as they are, bit for bit.</summary>
public static class Freezing
{
    /// <summary>
    /// Freezes parts of a graph: no gradient step of any training method changes their parameters or what the optimiser remembers of them. A part
    /// is named as
    /// <c>LAYER</c> (a node by its full name, with what is inside it, its controller, and its own pool if it has one), <c>LAYER/controller</c>,
    /// <c>POOL</c>, <c>POOL/MODULE</c> (one module, counted from 0), or <c>head</c>. Batch normalisation that is frozen normalises by its running
    /// averages, also in training. Dropout goes on. UserException where there is no such part; nothing is then frozen.
    /// </summary>
    /// <example><code>graph.Freeze(["embed1", "words/3", "modular1/controller"]);</code></example>
    public static void Freeze(this Graph graph, IEnumerable<string> parts)
    {
        foreach (Action freeze in parts.Select(part => Find(graph, part)).ToArray())
        {
            freeze();
        }
    }

    /// <summary>
    /// The modules of the one pool that training can still change, where it can change nothing else of a graph; null where it can change more, or nothing.
    /// </summary>
    public static (string Pool, IReadOnlyList<int> Modules)? ModulesThatLearnAlone(Graph graph)
    {
        static nint[] Learning(nn.Module part) => [.. part.parameters().Where(p => p.requires_grad).Select(p => p.Handle)];

        HashSet<nint> all = [.. Learning(graph)];
        ModulePool? alone = all.Count == 0 ? null : graph.Pools.FirstOrDefault(pool => all.IsSubsetOf(Learning(pool)));
        return alone is null || graph.modules().OfType<BatchNormNode>().Any(norm => !norm.Frozen)
            ? null
            : (alone.Name, [.. Enumerable.Range(0, alone.Count).Where(
                module => !alone.Frozen.Contains(module) && alone.Stacked.Concat(alone.Own(module)).Any(p => p.requires_grad))]);
    }

    private static Action Find(Graph graph, string part)
    {
        Node[] nodes = [.. graph.modules().OfType<Node>().Where(n => n.Name == part).Distinct()];
        ModulePool[] pools = [.. graph.Pools.Where(p => p.Name == part || (nodes.Length > 0 && IsWithin(p.Name, part)))];
        Controller[] controllers =
            [.. graph.Nodes.SelectMany(n => n.Controllers).Where(c => $"{c.Layer}/controller" == part || IsWithin(c.Layer, part))];
        int slash = part.LastIndexOf('/');
        if (slash > 0
            && int.TryParse(part[(slash + 1)..], out int module)
            && graph.Pools.FirstOrDefault(p => p.Name == part[..slash]) is ModulePool pool
            && module >= 0 && module < pool.Count)
        {
            return () => FreezeModule(pool, module);
        }

        nn.Module[] found = [.. nodes, .. pools, .. controllers.Where(c => $"{c.Layer}/controller" == part)];
        if (part == "head")
        {
            found = [.. found, graph.Head];
        }

        if (found.Length == 0)
        {
            throw new UserException(
                $"frozen/{part}",
                "a layer, a pool, POOL/MODULE, LAYER/controller, or head",
                "a name that none of them has",
                $"give one of {string.Join(", ", graph.Nodes.Select(n => n.Name).Concat(graph.Pools.Select(p => p.Name)).Distinct().Append("head"))}");
        }

        return () =>
        {
            foreach (nn.Module inside in found.SelectMany(f => f.modules().Prepend(f)))
            {
                switch (inside)
                {
                    case BatchNormNode norm:
                        norm.Frozen = true;
                        break;
                    case Controller controller:
                        controller.Frozen = true;
                        break;
                }
            }

            foreach (Parameter parameter in found.SelectMany(f => f.parameters()))
            {
                parameter.requires_grad = false;
            }
        };
    }

    private static bool IsWithin(string name, string layer) => name == layer || name.StartsWith(layer + "/", StringComparison.Ordinal);

    private static void FreezeModule(ModulePool pool, int module)
    {
        pool.Freeze(module);
        foreach (Parameter own in pool.Own(module))
        {
            own.requires_grad = false;
        }
    }
}
