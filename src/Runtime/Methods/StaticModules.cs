using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The baseline without choice (paper, Table 1): modules 0 to K − 1 run at every site for every datapoint. The loss is −mean log p(y|x, a),
/// and the controllers stay as they began.
/// </summary>
public sealed class StaticModules(
    Graph graph, Dataset data, GradientSettings settings, RandomStreams streams, Device? device = null)
    : TrainingMethod(graph, data, settings, streams, device)
{
    /// <inheritdoc/>
    public override Selector Evaluating => new FirstSelector();

    /// <summary>False: choices do not come from the controllers.</summary>
    public override bool ReadsControllers => false;

    /// <inheritdoc/>
    protected override MinibatchLoss LossOf(long[] datapoints, Batch batch)
    {
        GraphOutput output = Forward(batch, new FirstSelector());
        Tensor logLikelihood = Graph.Head.MeanLogLikelihood(output.Features, batch.Targets, batch.Weights);
        return new(Penalised(-Smoothed(logLikelihood, output, batch), output), logLikelihood, () => output);
    }
}
