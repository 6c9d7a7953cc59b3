using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Takes routing traces: it runs datapoints through a graph and reads the tapes.</summary>
public static class RoutingTracer
{
    /// <summary>Vectors of more numbers than this are left out of a trace; the number of the datapoint tells which vector it was.</summary>
    public const int WidestFeatures = 64;

    /// <summary>Takes the trace of given datapoints of one dataset with dropout off. No random stream is used.</summary>
    /// <param name="graph">A graph with at least one modular layer.</param>
    /// <param name="data">The dataset, on the CPU.</param>
    /// <param name="datapoints">The numbers of N ≥ 1 datapoints in <paramref name="data"/>, ascending. Where state is carried from window to window, all windows up to the last one are run.</param>
    /// <param name="method">The method, which says how modules are chosen in evaluation and whether controllers are read.</param>
    /// <param name="device">The graph's device.</param>
    /// <param name="step">The number of gradient steps so far.</param>
    /// <param name="split"><c>train</c>, <c>validation</c> or <c>test</c>. The trace of <c>train</c> also holds the method's a*.</param>
    /// <param name="labels">The names of tokens, classes and tasks.</param>
    /// <param name="batch">The number of datapoints that are run at one time.</param>
    public static RoutingTrace Of(
        Graph graph,
        Dataset data,
        long[] datapoints,
        TrainingMethod method,
        Device device,
        long step = 0,
        string split = "train",
        RoutingLabels? labels = null,
        int batch = 128)
    {
        using var scope = NewDisposeScope();
        var parts = new RoutingParts(graph, method.ReadsControllers, hasPredictions: !data.IsSequence);
        graph.InEvaluation(() =>
        {
            Read(graph, data, datapoints, method, device, batch, parts);
            return true;
        });

        Tensor which = tensor(datapoints);
        Tensor targets = data.Targets.index_select(0, which);
        Tensor inputs = data.Inputs.index_select(0, which);
        bool classes = targets.dtype == ScalarType.Int64;
        bool vectors = inputs.is_floating_point() && inputs.dim() == 2 && inputs.shape[1] <= WidestFeatures;
        return new()
        {
            Step = step,
            Split = split,
            Datapoints = datapoints,
            Layers = parts.Layers(split == "train" ? method.Held(datapoints) : null),
            LogLikelihood = TensorArrays.Vector<float>(parts.LogLikelihood!),
            LogProbability = parts.LogProbability is Tensor probability ? TensorArrays.Vector<float>(probability) : null,
            Tokens = inputs.dtype == ScalarType.Int64 ? TensorArrays.Table<int>(inputs) : null,
            Features = vectors ? TensorArrays.Table<float>(inputs) : null,
            TargetClasses = classes ? TensorArrays.Table<int>(targets) : null,
            TargetValues = classes ? null : TensorArrays.Table<float>(targets),
            PredictedClasses = classes && parts.Predictions is Tensor best ? TensorArrays.Vector<int>(best) : null,
            PredictedValues = !classes && parts.Predictions is Tensor means ? TensorArrays.Table<float>(means) : null,
            Tasks = data.Side?.Tasks is Tensor tasks ? TensorArrays.Vector<int>(tasks.index_select(0, which)) : null,
            Labels = labels ?? new(),
        };
    }

    // Windows whose state is carried are all run, from the first on, whichever are wanted.
    private static void Read(
        Graph graph, Dataset data, long[] datapoints, TrainingMethod method, Device device, int batch, RoutingParts parts)
    {
        if (!data.IsConsecutive)
        {
            foreach (long[] some in datapoints.Chunk(batch))
            {
                using var scope = NewDisposeScope();
                Batch rows = data.Get(tensor(some)).To(device);
                parts.Add(graph.Forward(rows.Inputs, method.Evaluating, rows.Side), rows.Targets);
            }

            return;
        }

        using var carried = new RecurrentState();
        for (long start = 0; start <= datapoints[^1]; start += batch)
        {
            using var scope = NewDisposeScope();
            long length = Math.Min(batch, data.Count - start);
            Batch joined = data.Joined(start, length).To(device);
            GraphOutput output = graph.Forward(joined.Inputs, method.Evaluating, joined.Side, carried);
            long[] wanted = [.. datapoints.Where(d => d >= start && d < start + length).Select(d => d - start)];
            if (wanted.Length > 0)
            {
                Tensor features = output.Features.reshape([length, -1, .. output.Features.shape[2..]]);
                parts.Add(output with { Features = features }, joined.Targets.reshape(length, -1), tensor(wanted, device: device));
            }
        }
    }
}
