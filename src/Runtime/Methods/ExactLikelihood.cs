using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Maximises the marginal likelihood itself (Eqs. 4 and 5), by enumeration: the loss is −mean log Σ_a p(a|x) p(y|x, a) over all compositions
/// of all sites. It is the oracle of the other methods, and takes networks with at most <see cref="Compositions.Limit"/> compositions.
/// </summary>
/// <remarks>
/// Statistics and scores of a step are those of the most probable modules, as in evaluation. In training, batch normalisation after a site
/// gives every composition the same weight, however improbable it is.
/// </remarks>
public sealed class ExactLikelihood : TrainingMethod
{
    // [Π M, C], on the graph's device.
    private readonly Tensor _compositions;

    /// <summary>
    /// Trains <paramref name="graph"/> (on <paramref name="device"/>) on <paramref name="data"/> (on the CPU). UserException where there
    /// are too many compositions, where windows carry a state, where labels are to be smoothed, or where a layer adds a penalty, which belongs to a single composition.
    /// </summary>
    public ExactLikelihood(Graph graph, Dataset data, GradientSettings settings, RandomStreams streams, Device? device = null)
        : base(graph, data, settings, streams, device)
    {
        if (data.IsConsecutive)
        {
            throw new UserException(
                "train/exact", "windows that each start at zero", "windows that carry the state",
                "every composition would leave another state: drop `carry_state`");
        }

        if (settings.LabelSmoothing != 0)
        {
            throw new UserException(
                "train/label_smoothing", "none under exact training, which maximises the likelihood itself",
                settings.LabelSmoothing.ToString(CultureInfo.InvariantCulture), "leave it out, or train by another method");
        }

        if (graph.modules().FirstOrDefault(part => part is PenaltyNode or BoundaryNode) is Node penalty)
        {
            throw new UserException(
                penalty.Name, "no penalties under exact training, which runs every composition", "one",
                "leave it out, or train by another method");
        }

        using var scope = NewDisposeScope();
        _compositions = Compositions.All(ModulesPerChoice()).to(Device).DetachFromDisposeScope();
    }

    /// <summary>Σ_n log p(y_n|x_n) (Eq. 5) over given datapoints [B], in nats, in evaluation mode.</summary>
    public double LogLikelihood(long[] datapoints)
    {
        using var scope = NewDisposeScope();
        return FromDevice.Number(Graph.InEvaluation(() => LogMarginal(Fetch(datapoints)).to_type(ScalarType.Float64).sum()), Wait.Asked);
    }

    /// <inheritdoc/>
    protected override MinibatchLoss LossOf(long[] datapoints, Batch batch)
    {
        Tensor mean = batch.Mean(LogMarginal(batch));
        return new(
            -mean, mean, () => Graph.InEvaluation(() => Graph.Forward(batch.Inputs, Evaluating, batch.Side)));
    }

    /// <summary>log p(y|x) itself.</summary>
    private protected override Tensor ToKeep(long[] datapoints, Batch batch) => LogMarginal(batch).sum();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _compositions.Dispose();
        }

        base.Dispose(disposing);
    }

    // log Σ_a p(a|x) p(y|x, a) of B datapoints → [B]. All datapoints with the first composition come first.
    private Tensor LogMarginal(Batch batch)
    {
        int count = Graph.HasSites ? (int)_compositions.shape[0] : 1;
        long rows = batch.Inputs.shape[0];
        SideInputs? side = batch.Side?.Map(t => t.Tile(count));
        Tensor tiled = _compositions.repeat_interleave(rows, dim: 0);
        var every = new GivenSelector(tiled);
        GraphOutput across = Graph.AcrossSites(
            Graph.BeforeSites(batch.Inputs, batch.Side).Tile(count), every, side);
        Tensor joint = Graph.Head.LogLikelihood(
            Graph.AfterSites(across.Features, side), batch.Targets.Tile(count));
        if (Graph.HasSites)
        {
            joint += across.Tape.LogProbability();
            // Compositions that differ only in what comes after a halt are one and the same: that which ran counts.
            Tensor differs = across.Tape.Composition().ne(tiled).any(1);
            joint = joint.MaskedFill(differs, double.NegativeInfinity);
        }

        return joint.view(count, rows).LogSumExp(0);
    }
}
