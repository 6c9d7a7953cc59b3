using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Checks the whole numbers that layers look up by: task ids, given choices and categories. On the CPU every pass checks its own. An accelerator would have to be
/// waited for, so there a whole dataset, which lies on the host, is checked before it is used.
/// </summary>
internal static class InputRanges
{
    /// <summary>UserException where the device is an accelerator and a layer of the graph cannot look up what a datapoint brings.</summary>
    internal static void Demand(Graph graph, Dataset data, Device device)
    {
        if (!Accelerator.Is(device))
        {
            return;
        }

        using var scope = NewDisposeScope();
        var route = new Route(new ModeSelector(), data.Side);
        foreach (Controller controller in graph.Nodes.SelectMany(n => n.Controllers))
        {
            _ = controller.Beside(route, data.Count);
        }

        foreach (EmbedColumnsNode columns in graph.modules().OfType<EmbedColumnsNode>())
        {
            columns.Demand(data.Inputs);
        }
    }
}
