using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>How well a graph does on a held-out set.</summary>
/// <param name="LogLikelihood">The mean log p(y|x, a) per datapoint, in nats, by the datapoints' weights where they have any.</param>
/// <param name="Perplexity">exp of the negative mean log-likelihood per output; for a text, per word.</param>
/// <param name="Statistics">How modules were chosen; weights have no part in it.</param>
/// <param name="Score">How close predictions come to the targets.</param>
public sealed record Evaluation(
    double LogLikelihood, double Perplexity, SelectionStatistics Statistics, PredictionScore Score)
{
    /// <summary>
    /// Runs the parts of a held-out set in order, <paramref name="batch"/> datapoints at a time and with dropout off.
    /// <paramref name="selector"/> chooses; the default takes the most probable module of every position. Through consecutive windows,
    /// recurrent layers carry their state from the first to the last.
    /// </summary>
    public static Evaluation Of(
        Graph graph, IEnumerable<Dataset> parts, long batch, Device device, Selector? selector = null) =>
        graph.InEvaluation(() => Run(graph, parts, batch, device, selector ?? new ModeSelector()));

    /// <summary>
    /// Runs the held-out sets of several tasks, each as <see cref="Of"/> does: how well the graph does on each, and on all datapoints of the tasks
    /// that <paramref name="counts"/> says count together.
    /// </summary>
    public static (Evaluation All, IReadOnlyList<Evaluation> Each) OfTasks(
        Graph graph, IReadOnlyList<IReadOnlyList<Dataset>> tasks, Func<int, bool> counts, long batch, Device device, Selector? selector = null) =>
        graph.InEvaluation(() =>
        {
            var late = new LateNumbers();
            var all = new Sums(graph.Head, late);
            Sums[] each = [.. tasks.Select(_ => new Sums(graph.Head, late))];
            for (int task = 0; task < tasks.Count; task++)
            {
                Run(graph, tasks[task], batch, device, selector ?? new ModeSelector(), late, counts(task) ? [each[task], all] : [each[task]]);
            }

            late.Read(Wait.Report);
            return (all.Evaluation, (IReadOnlyList<Evaluation>)Array.ConvertAll(each, own => own.Evaluation));
        });

    private static Evaluation Run(Graph graph, IEnumerable<Dataset> parts, long batch, Device device, Selector selector)
    {
        var late = new LateNumbers();
        var sums = new Sums(graph.Head, late);
        Run(graph, parts, batch, device, selector, late, [sums]);
        late.Read(Wait.Report);
        return sums.Evaluation;
    }

    private static void Run(Graph graph, IEnumerable<Dataset> parts, long batch, Device device, Selector selector, LateNumbers late, IReadOnlyList<Sums> sums)
    {
        using var carried = new RecurrentState();
        foreach (Dataset part in parts)
        {
            InputRanges.Demand(graph, part, device);
            for (long start = 0; start < part.Count; start += batch)
            {
                using var scope = NewDisposeScope();
                long length = Math.Min(batch, part.Count - start);
                Batch data = (part.IsConsecutive ? part.Joined(start, length) : part.Range(start, length)).To(device);
                GraphOutput output = graph.Forward(data.Inputs, selector, data.Side, part.IsConsecutive ? carried : null);
                Tensor logLikelihood = graph.Head.LogLikelihood(output.Features, data.Targets);
                Tensor sum = Weighting.Sum(logLikelihood, data.Weights);
                foreach (Sums into in sums)
                {
                    late.Add([sum], read => into.Total += read[0][0]);
                    into.Statistics.Add(output.Tape);
                    into.Score.Add(output.Features, data.Targets, data.Weights);
                }
            }

            double count = Weighting.Count(part.Count, part.Side?.Weights);
            foreach (Sums into in sums)
            {
                into.Datapoints += count;
                into.Outputs += count * part.OutputsPerDatapoint;
            }
        }
    }

    private sealed class Sums(Head head, LateNumbers late)
    {
        internal SelectionStatistics Statistics { get; } = new(late);

        internal PredictionScore Score { get; } = new(head, late);

        internal double Total { get; set; }

        internal double Datapoints { get; set; }

        internal double Outputs { get; set; }

        internal Evaluation Evaluation => new(Total / Datapoints, Math.Exp(-Total / Outputs), Statistics, Score);
    }
}
