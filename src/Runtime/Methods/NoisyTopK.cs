using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Noisy top-k's own settings.</summary>
/// <param name="K">k, how many modules run for every row, whatever the layers' K.</param>
/// <param name="Importance">Weighs the importance loss (Shazeer et al. 2017, Eq. 7); 0 is without.</param>
/// <param name="Load">Weighs the load loss (Shazeer et al. 2017, appendix A, Eq. 11); 0 is without.</param>
public sealed record NoisyTopKSettings(int K = 4, double Importance = 0, double Load = 0)
{
    /// <summary>How its gradient steps are taken.</summary>
    public GradientSettings Gradient { get; init; } = new();
}

/// <summary>
/// The noisy top-k mixture of experts (Shazeer et al. 2017): at every site the k modules of highest H(x) run, H(x)_i = (controller's logit)_i
/// + N(0, 1) · softplus((x·W_noise)_i), and their outputs are weighted by the gate, softmax over those k. Its loss is
/// −mean log p(y|x), with the balance losses where they are asked for. In evaluation there is no noise.
/// </summary>
/// <remarks>
/// Logits are the controllers' own (so they have a bias, and begin as for other methods); the controllers get the weights
/// W_noise beside, zero at first as in that work. Every layer that chooses must sum, and choose 1.
/// </remarks>
public sealed class NoisyTopK : TrainingMethod
{
    /// <summary>
    /// Trains <paramref name="graph"/> (on <paramref name="device"/>) on <paramref name="data"/> (on the CPU), whose controllers
    /// get noise weights. UserException where a controller has no place for them.
    /// </summary>
    public NoisyTopK(Graph graph, Dataset data, NoisyTopKSettings settings, RandomStreams streams, Device? device = null)
        : base(WithNoise(graph), data, settings.Gradient, streams, device) => Settings = settings;

    /// <summary>The settings in force.</summary>
    public NoisyTopKSettings Settings { get; }

    /// <summary>The k modules of highest logit, weighted by the gate, without noise.</summary>
    public override Selector Evaluating => new NoisyTopKSelector(Settings.K);

    /// <inheritdoc/>
    protected override MinibatchLoss LossOf(long[] datapoints, Batch batch)
    {
        bool balanced = Settings.Importance != 0 || Settings.Load != 0;
        var gates = new NoisyTopKSelector(Settings.K, Streams.Noise, balanced);
        GraphOutput output = Forward(batch, gates);
        Tensor logLikelihood = Graph.Head.MeanLogLikelihood(output.Features, batch.Targets);
        Tensor loss = -logLikelihood;
        if (balanced && Graph.HasSites)
        {
            loss = loss + Settings.Importance * gates.Balance.ImportanceLoss() + Settings.Load * gates.Balance.LoadLoss();
        }

        return new(Penalised(loss, output), logLikelihood, () => output);
    }

    private static Graph WithNoise(Graph graph)
    {
        AddNoise(graph);
        return graph;
    }

    /// <summary>Gives the graph's controllers the weights W_noise, which this method's checkpoints have beside the others.</summary>
    public static void AddNoise(Graph graph)
    {
        foreach (Controller controller in graph.Nodes.SelectMany(n => n.Controllers).Where(c => c.Latent))
        {
            controller.AddNoise();
        }
    }
}
