using System.Text.Json.Nodes;
using ModNet.Runtime;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace ModNet.Bench;

/// <summary>
/// An E-step over a stack of modular layers, where candidates that made the same choices so far share their rows, beside one where every candidate is run
/// through all layers but the first; as controllers begin, and as they decide more and more.
/// </summary>
public static class StackBenchmark
{
    /// <summary>By how much the controllers' logits are multiplied, from those of a new network to nearly decided ones.</summary>
    public static IEnumerable<BenchCase> Run(BenchSettings settings, IReadOnlyList<Peer> peers)
    {
        StackSizes sizes = settings.Tiny ? StackSizes.Tiny : StackSizes.Full;
        foreach (int factor in settings.Tiny ? new[] { 1 } : [1, 8, 32, 128])
        {
            yield return Case(settings, sizes, factor);
        }
    }

    private static BenchCase Case(BenchSettings settings, StackSizes sizes, int factor)
    {
        using var streams = new RandomStreams(1);
        using Graph graph = NetworkText.Compile("stack", sizes.Layers(), streams);
        using Dataset data = Made(sizes, streams);
        using var em = new ViterbiEm(graph, data, new EmSettings(sizes.Samples, 1, sizes.Batch, sizes.Batch, 1e-3), streams);
        using (no_grad())
        {
            foreach (var parameter in graph.Nodes.SelectMany(n => n.Controllers).SelectMany(c => c.parameters()))
            {
                parameter.mul_(factor);
            }
        }

        Rows rows = Count(graph, data, sizes, streams);
        string name = FormattableString.Invariant(
            $"stack of {sizes.Sites} modular layers, S = {sizes.Samples}, {sizes.Batch} datapoints, entropy {rows.Entropy:F2} nats a site");
        settings.Say(name);
        Action EStep(bool shares) => () =>
        {
            graph.SharesChoices = shares;
            em.EStep();
        };
        IReadOnlyList<Timing> timings = Interleaved.Measure(
            [Contender.Here("every candidate", EStep(false)), Contender.Here("distinct choices", EStep(true))],
            settings.Pace,
            settings.Say,
            settings.Stop);
        JsonObject facts = new()
        {
            ["logits_times"] = factor,
            ["entropy_nats_a_site"] = Math.Round(rows.Entropy, 3),
            ["rows_run_by_site"] = new JsonArray([.. rows.BySite.Select(share => JsonValue.Create(Math.Round(share, 3)))]),
        };
        return new(name, timings, [Ratio.Of("every candidate / distinct choices", timings[0], timings[1])], facts);
    }

    private static Dataset Made(StackSizes sizes, RandomStreams streams)
    {
        using var scope = NewDisposeScope();
        return new(
            randn(new long[] { sizes.Batch, sizes.Width }, generator: streams.Data),
            randint(sizes.Classes, new long[] { sizes.Batch }, ScalarType.Int64, generator: streams.Data));
    }

    // What share of all candidates' rows the modules of each site run, and the mean entropy of a site.
    private static Rows Count(Graph graph, Dataset data, StackSizes sizes, RandomStreams streams) => graph.InEvaluation(() =>
    {
        using var scope = NewDisposeScope();
        Batch batch = data.Range(0, sizes.Batch);
        AcrossSites across = graph.CandidatesAcrossSites(
            graph.BeforeSites(batch.Inputs, null), new SampledSelector(streams.Data), null, null, sizes.Samples);
        double all = sizes.Batch * sizes.Samples;
        var distinct = new DistinctRows(sizes.Batch, sizes.Samples);
        var shares = new List<double>();
        for (int site = 0; site < sizes.Sites; site++)
        {
            distinct = distinct.After([.. across.Composition!.Where((_, i) => i % sizes.Sites == site)]);
            shares.Add(distinct.Count / all);
        }

        double entropy = across.Tape.Entries.Average(e => e.Distribution.Entropy().mean().item<float>());
        return new Rows(shares, entropy);
    });

    private sealed record Rows(IReadOnlyList<double> BySite, double Entropy);
}
