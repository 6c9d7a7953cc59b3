using System.Globalization;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Leaves routing traces in a run's folder: <c>routing.safetensors</c> at the end, of held-out datapoints, and where it is asked for
/// <c>routing/STEP.safetensors</c>, of the same training datapoints every time. Both take datapoints evenly spaced over their set
/// where there are more than wanted, but the first ones of a text whose state is carried from window to window. Neither holds more
/// datapoints than have 2²⁵ probabilities together (128 MiB).
/// </summary>
public sealed class RoutingRecorder(
    Graph graph,
    TrainingMethod method,
    DataSplits data,
    RoutingLabels labels,
    RoutingPlan plan,
    RunFolder folder,
    Device device)
{
    // Numbers of all distributions in a trace: they are held and written as a whole.
    private const long MostNumbers = 1L << 25;

    // Nothing is chosen, and there is nothing to trace.
    private readonly bool _idle = !graph.Nodes.SelectMany(n => n.Controllers).Any();

    /// <summary>Before the first step (<paramref name="step"/> 0) and after each other one.</summary>
    public void During(long step)
    {
        if (!_idle && plan.Every is long every && step % every == 0)
        {
            Directory.CreateDirectory(folder.PathOf(RunFolder.Routing));
            string name = Path.Combine(RunFolder.Routing, step.ToString(CultureInfo.InvariantCulture) + ".safetensors");
            Write(name, step, "train", data.Train, plan.Rows);
        }
    }

    /// <summary>
    /// After the last step: of the validation set, else the test set, else the training set. Of a text, whole windows only.
    /// </summary>
    public void AtEnd(long step)
    {
        if (_idle)
        {
            return;
        }

        (string split, Dataset held) = data.Validation.Count > 0 ? ("validation", data.Validation[0])
            : data.Test.Count > 0 ? ("test", data.Test[0])
            : ("train", data.Train);
        Write($"{RunFolder.Routing}.safetensors", step, split, held, plan.AtEnd);
    }

    /// <summary>How many datapoints a trace of at most so many holds, each with so many probabilities; at least one.</summary>
    internal static long Count(long most, long probabilities) =>
        Math.Min(most, Math.Max(1, MostNumbers / Math.Max(1, probabilities)));

    // Probabilities of a datapoint, over all sites.
    private long DistributionLength(Dataset set)
    {
        using var scope = NewDisposeScope();
        Batch one = set.Range(0, 1).To(device);
        return graph.Probe(one.Inputs, one.Side, 1).Tape.Entries.Sum(e => (long)e.Site.Choose * e.Site.Modules);
    }

    private void Write(string name, long step, string split, Dataset set, long most)
    {
        long count = Math.Min(Count(most, DistributionLength(set)), set.Count);
        long[] datapoints = new long[count];
        for (long i = 0; i < count; i++)
        {
            datapoints[i] = set.IsConsecutive ? i : set.Count * i / count;
        }

        RoutingFile.Write(folder.PathOf(name), RoutingTracer.Of(graph, set, datapoints, method, device, step, split, labels));
    }
}

/// <summary>Which routing traces a run leaves.</summary>
/// <param name="Every">One of training datapoints at step 0 and every so many gradient steps; null for none.</param>
/// <param name="Rows">How many training datapoints those hold, at most.</param>
/// <param name="AtEnd">How many held-out datapoints the trace at the end holds, at most.</param>
public sealed record RoutingPlan(long? Every, long Rows, long AtEnd);
