using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Takes routing traces: runs datapoints through a graph and reads the tapes.</summary>
public static class RoutingTracer
{
    /// <summary>Vectors of more numbers than this are left out of a trace; the datapoint's number tells which it was.</summary>
    public const int WidestFeatures = 64;

    /// <summary>
    /// The trace of given datapoints of one dataset, dropout off, <paramref name="batch"/> at once. No random stream is touched.
    /// </summary>
    /// <param name="graph">Has at least one modular layer.</param>
    /// <param name="data">On the CPU.</param>
    /// <param name="datapoints">[N ≥ 1], numbers in <paramref name="data"/>, ascending. Where state is carried from window to window all up to the last one are run.</param>
    /// <param name="method">Says how modules are chosen in evaluation, and whether controllers have a say.</param>
    /// <param name="device">Where the graph is.</param>
    /// <param name="step">Gradient steps so far.</param>
    /// <param name="split"><c>train</c>, <c>validation</c> or <c>test</c>; of the first the trace holds the method's a*, too.</param>
    /// <param name="labels">What numbers in the data stand for.</param>
    /// <param name="batch">Datapoints at once.</param>
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

    // Windows whose state is carried are read in one go from the first on, whichever are wanted.
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
