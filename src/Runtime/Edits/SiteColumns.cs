using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The choices of one site in a datapoint's composition over all its sites, which is a row of a*.</summary>
/// <param name="Layer">The name of the modular layer.</param>
/// <param name="Pool">The name of the pool.</param>
/// <param name="Time">The time step; 0 for a layer without time.</param>
/// <param name="Columns">The places of its K choices, from 0.</param>
public sealed record SiteColumns(string Layer, string Pool, int Time, IReadOnlyList<int> Columns)
{
    /// <summary>The sites that a datapoint x [1, …] meets whose choices are latent, in order.</summary>
    public static IReadOnlyList<SiteColumns> Of(Graph graph, Tensor x, SideInputs? side) => graph.InEvaluation<SiteColumns[]>(() =>
    {
        using var scope = NewDisposeScope();
        // Its K choices stand one after another, whatever the number of modules that a mixture runs.
        int next = 0;
        return
        [
            .. graph.Forward(x, new ModeSelector(), side).Tape.Entries.Where(e => e.Latent).Select(entry =>
            {
                int from = next;
                next += entry.Site.Choose;
                return new SiteColumns(entry.Site.Layer, entry.Site.Pool, entry.Site.Time, [.. Enumerable.Range(from, entry.Site.Choose)]);
            }),
        ];
    });
}
