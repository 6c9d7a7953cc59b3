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

    private static Evaluation Run(Graph graph, IEnumerable<Dataset> parts, long batch, Device device, Selector selector)
    {
        var late = new LateNumbers();
        var statistics = new SelectionStatistics(late);
        var score = new PredictionScore(graph.Head, late);
        double total = 0, datapoints = 0, outputs = 0;
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
                late.Add([Weighting.Sum(logLikelihood, data.Weights)], sum => total += sum[0][0]);
                statistics.Add(output.Tape);
                score.Add(output.Features, data.Targets, data.Weights);
            }

            double count = Weighting.Count(part.Count, part.Side?.Weights);
            datapoints += count;
            outputs += count * part.OutputsPerDatapoint;
        }

        late.Read(Wait.Report);
        return new(total / datapoints, Math.Exp(-total / outputs), statistics, score);
    }
}
