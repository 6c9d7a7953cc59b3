using System.Globalization;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Writes routing traces into a run's folder: <c>routing.safetensors</c> at the end, of held-out datapoints, and if asked for
/// <c>routing/STEP.safetensors</c>, always of the same training datapoints. Where a set has more datapoints than wanted, both take evenly spaced
/// ones, or the first ones of a text whose state is carried from window to window. A trace holds at most 2²⁵ probabilities (128 MiB).
/// </summary>
/// <remarks>Of several ranks, the one that leads has a recorder. Where modules are spread (<see cref="Graph.IsSpread"/>), all have one, and that one writes.</remarks>
public sealed class RoutingRecorder(
    Graph graph,
    TrainingMethod method,
    DataSplits data,
    RoutingLabels labels,
    RoutingPlan plan,
    RunFolder folder,
    Device device)
{
    // Bounds the probabilities in a trace, which is held in memory and written as a whole.
    private const long MostNumbers = 1L << 25;

    // Without controllers nothing is chosen, so there is nothing to trace.
    private readonly bool _idle = !graph.Nodes.SelectMany(n => n.Controllers).Any();

    /// <summary>Is called before the first step, with 0, and after each <paramref name="step"/>; writes a trace where one is due.</summary>
    public void During(long step)
    {
        if (!_idle && plan.Every is long every && step % every == 0)
        {
            if (!folder.Follows)
            {
                Directory.CreateDirectory(folder.PathOf(RunFolder.Routing));
            }

            string name = Path.Combine(RunFolder.Routing, step.ToString(CultureInfo.InvariantCulture) + ".safetensors");
            Write(name, step, "train", data.Train, plan.Rows);
        }
    }

    /// <summary>
    /// Is called after the last step; writes the trace of the validation set, else of the test set, else of the training set. Of a text it
    /// holds whole windows only.
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

    /// <summary>How many of at most <paramref name="most"/> datapoints a trace holds, if each has so many probabilities; at least one.</summary>
    internal static long Count(long most, long probabilities) =>
        Math.Min(most, Math.Max(1, MostNumbers / Math.Max(1, probabilities)));

    // The number of probabilities of one datapoint, over all sites.
    private long DistributionLength(Dataset set)
    {
        using var scope = NewDisposeScope();
        Batch one = set.Range(0, 1).To(device);
        return graph.Probe(one.Inputs, one.Side, 1).Tape.Entries.Sum(e => (long)e.Site.Choose * e.Site.Modules);
    }

    private void Write(string name, long step, string split, Dataset set, long most)
    {
        // The network is traced as it is evaluated.
        using IDisposable? average = method.UseAverage();
        long count = Math.Min(Count(most, DistributionLength(set)), set.Count);
        long[] datapoints = new long[count];
        for (long i = 0; i < count; i++)
        {
            datapoints[i] = set.IsConsecutive ? i : set.Count * i / count;
        }

        RoutingTrace trace = RoutingTracer.Of(graph, set, datapoints, method, device, step, split, labels);
        if (!folder.Follows)
        {
            RoutingFile.Write(folder.PathOf(name), trace);
        }
    }
}

/// <summary>Which routing traces a run writes.</summary>
/// <param name="Every">A trace of training datapoints is written at step 0 and every so many gradient steps; null for none.</param>
/// <param name="Rows">The largest number of training datapoints in such a trace.</param>
/// <param name="AtEnd">The largest number of held-out datapoints in the trace at the end.</param>
public sealed record RoutingPlan(long? Every, long Rows, long AtEnd);
