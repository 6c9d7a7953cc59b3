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
            var all = new Sums(graph.Head);
            var each = new List<Evaluation>();
            for (int task = 0; task < tasks.Count; task++)
            {
                var own = new Sums(graph.Head);
                Run(graph, tasks[task], batch, device, selector ?? new ModeSelector(), counts(task) ? [own, all] : [own]);
                each.Add(own.Evaluation);
            }

            return (all.Evaluation, (IReadOnlyList<Evaluation>)each);
        });

    private static Evaluation Run(Graph graph, IEnumerable<Dataset> parts, long batch, Device device, Selector selector)
    {
        var sums = new Sums(graph.Head);
        Run(graph, parts, batch, device, selector, [sums]);
        return sums.Evaluation;
    }

    private static void Run(Graph graph, IEnumerable<Dataset> parts, long batch, Device device, Selector selector, IReadOnlyList<Sums> sums)
    {
        using var carried = new RecurrentState();
        foreach (Dataset part in parts)
        {
            for (long start = 0; start < part.Count; start += batch)
            {
                using var scope = NewDisposeScope();
                long length = Math.Min(batch, part.Count - start);
                Batch data = (part.IsConsecutive ? part.Joined(start, length) : part.Range(start, length)).To(device);
                GraphOutput output = graph.Forward(data.Inputs, selector, data.Side, part.IsConsecutive ? carried : null);
                Tensor logLikelihood = graph.Head.LogLikelihood(output.Features, data.Targets);
                double sum = Weighting.Sum(logLikelihood, data.Weights);
                foreach (Sums into in sums)
                {
                    into.Total += sum;
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

    private sealed class Sums(Head head)
    {
        internal SelectionStatistics Statistics { get; } = new();

        internal PredictionScore Score { get; } = new(head);

        internal double Total { get; set; }

        internal double Datapoints { get; set; }

        internal double Outputs { get; set; }

        internal Evaluation Evaluation => new(Total / Datapoints, Math.Exp(-Total / Outputs), Statistics, Score);
    }
}
