using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>How a graph does on a held-out set, its modules chosen as the training method has it: most probable per position, for most.</summary>
/// <param name="LogLikelihood">Mean log p(y|x, a) per datapoint, nats.</param>
/// <param name="Perplexity">exp of minus the mean log-likelihood per output (per word of a text).</param>
/// <param name="Statistics">How modules were chosen.</param>
/// <param name="Score">How near predictions come to the targets.</param>
public sealed record Evaluation(
    double LogLikelihood, double Perplexity, SelectionStatistics Statistics, PredictionScore Score)
{
    /// <summary>
    /// Runs <paramref name="parts"/> in order, <paramref name="batch"/> datapoints at once, dropout off; <paramref name="selector"/> chooses,
    /// by default the most probable module per position. Consecutive windows are read in one go, the state of recurrent layers
    /// carried from the first to the last.
    /// </summary>
    public static Evaluation Of(
        Graph graph, IEnumerable<Dataset> parts, long batch, Device device, Selector? selector = null) =>
        graph.InEvaluation(() => Run(graph, parts, batch, device, selector ?? new ModeSelector()));

    private static Evaluation Run(Graph graph, IEnumerable<Dataset> parts, long batch, Device device, Selector selector)
    {
        var statistics = new SelectionStatistics();
        var score = new PredictionScore(graph.Head);
        double total = 0;
        long datapoints = 0, outputs = 0;
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
                total += logLikelihood.to_type(ScalarType.Float64).sum().ToDouble();
                statistics.Add(output.Tape);
                score.Add(output.Features, data.Targets);
            }

            datapoints += part.Count;
            outputs += part.Count * part.OutputsPerDatapoint;
        }

        return new(total / datapoints, Math.Exp(-total / outputs), statistics, score);
    }
}
