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
        ModulePool found = PoolEdit.PoolOf(graph, pool);
        var rows = new List<Tensor>();
        long count = 0;
        found.Heard = (x, indices) =>
        {
            Tensor met = module is int number ? indices.eq(number).any(1) : ones([indices.shape[0]], ScalarType.Bool, indices.device);
            Tensor own = x.index_select(0, met.nonzero().squeeze(1)).detach().cpu();
            rows.Add(own.MoveToOuterDisposeScope());
            count += own.shape[0];
        };
        try
        {
            for (long start = 0; start < Math.Min(datapoints, data.Count) && count < most; start += AtOnce)
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

        Tensor all = cat(rows, 0);
        return all.narrow(0, 0, Math.Min(most, all.shape[0])).clone().MoveToOuterDisposeScope();
    }
}
