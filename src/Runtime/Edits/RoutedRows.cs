using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The rows x that a trained graph runs a module on.</summary>
public static class RoutedRows
{
    private const long AtOnce = 128;

    /// <summary>
    /// Runs a graph in evaluation on at most <paramref name="datapoints"/> datapoints, and gives the rows that module <paramref name="module"/> of a pool was
    /// run on, at all layers and time steps: [n, …in], on the CPU; at most <paramref name="most"/> of them, the first ones. Without a module,
    /// all rows that any module of the pool was run on, each once. n may be 0. UserException where the graph has no such pool.
    /// </summary>
    public static Tensor Of(
        Graph graph, Selector selector, Dataset data, string pool, int? module, long datapoints, long most, Device device)
    {
        using var scope = NewDisposeScope();
        var rows = new List<Tensor>();
        Hear(graph, selector, data, pool, datapoints, device, (x, indices) =>
        {
            Tensor met = module is int number ? indices.eq(number).any(1) : ones([indices.shape[0]], ScalarType.Bool, indices.device);
            Tensor own = x.index_select(0, met.nonzero().squeeze(1)).detach().cpu();
            rows.Add(own.MoveToOtherDisposeScope(scope));
            return rows.Sum(r => r.shape[0]) < most;
        });
        return First(rows, most).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The rows that the modules of a pool were run on, in the same way, and which module that was: rows x [n, …in] and modules [n] int64. A row that several modules
    /// were run on is there once for each.
    /// </summary>
    public static (Tensor X, Tensor Modules) WithModules(
        Graph graph, Selector selector, Dataset data, string pool, long datapoints, long most, Device device)
    {
        using var scope = NewDisposeScope();
        var (rows, modules) = (new List<Tensor>(), new List<Tensor>());
        int count = PoolEdit.PoolOf(graph, pool).Count;
        Hear(graph, selector, data, pool, datapoints, device, (x, indices) =>
        {
            using var inner = NewDisposeScope();
            Tensor met = indices.unsqueeze(-1).eq(arange(count, device: indices.device)).any(1).nonzero();
            rows.Add(x.index_select(0, met.select(1, 0)).detach().cpu().MoveToOtherDisposeScope(scope));
            modules.Add(met.select(1, 1).cpu().clone().MoveToOtherDisposeScope(scope));
            return rows.Sum(r => r.shape[0]) < most;
        });
        return (First(rows, most).MoveToOuterDisposeScope(), First(modules, most).MoveToOuterDisposeScope());
    }

    // Lets an action hear what a pool's modules are run on, until it says that it has enough.
    private static void Hear(
        Graph graph, Selector selector, Dataset data, string pool, long datapoints, Device device, Func<Tensor, Tensor, bool> action)
    {
        ModulePool found = PoolEdit.PoolOf(graph, pool);
        bool goOn = true;
        found.Heard = (x, indices) => goOn &= action(x, indices);
        try
        {
            for (long start = 0; start < Math.Min(datapoints, data.Count) && goOn; start += AtOnce)
            {
                long length = Math.Min(AtOnce, Math.Min(datapoints, data.Count) - start);
                graph.InEvaluation(() =>
                {
                    using var inner = NewDisposeScope();
                    Batch batch = data.Range(start, length).To(device);
                    graph.Forward(batch.Inputs, selector, batch.Side);
                    return true;
                });
            }
        }
        finally
        {
            found.Heard = null;
        }
    }

    private static Tensor First(List<Tensor> rows, long most)
    {
        Tensor all = cat(rows, 0);
        return all.narrow(0, 0, Math.Min(most, all.shape[0])).clone();
    }
}
