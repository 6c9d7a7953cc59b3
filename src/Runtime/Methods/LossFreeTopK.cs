using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The settings of loss-free top-k.</summary>
/// <param name="K">k, the number of modules that run for every row.</param>
/// <param name="UpdateRate">u, by which a step moves the bias of every module; 0 leaves the biases at zero, which is plain top-k.</param>
public sealed record LossFreeTopKSettings(int K = 4, double UpdateRate = 1e-3)
{
    /// <summary>How gradient steps are taken.</summary>
    public GradientSettings Gradient { get; init; } = new();
}

/// <summary>
/// A mixture of experts that is balanced without a loss for it (Wang et al. 2024, "Auxiliary-loss-free load balancing strategy for
/// mixture-of-experts"). At every site the k modules of highest p(a = i|x) + b_i run, and their outputs are weighted by p(a = i|x) over the sum
/// of those k: the bias b_i has a part in the choice alone. After each step, b_i grows by u where module i ran for fewer rows of the minibatch
/// than the mean over modules, and falls by u where it ran for more; a row of weight w counts as w rows. The loss is −mean log p(y|x).
/// </summary>
/// <remarks>
/// The biases belong to a layer's controller, as the buffer <c>balance</c>, and a layer's time steps count together. They get no gradient.
/// Evaluation chooses with the biases as they are, and does not change them. Every layer that chooses must combine by sum and choose 1. With
/// k = 1 every gate is 1, so that no gradient reaches the controllers.
/// </remarks>
public sealed class LossFreeTopK : TrainingMethod
{
    // How many rows each module ran for, [M], by the layer of its controller: of this rank's shards that have datapoints, in their order.
    private readonly Queue<SortedDictionary<string, double[]>> _loads = [];

    // The same of a minibatch that is run whole on an accelerator, where the loads stay.
    private SortedDictionary<string, Tensor>? _there;

    // This rank's shards of the step's minibatch.
    private IReadOnlyList<Shard> _shards = [];

    /// <summary>
    /// Gives the controllers biases, and trains <paramref name="graph"/> (on <paramref name="device"/>) on <paramref name="data"/> (on the CPU).
    /// </summary>
    public LossFreeTopK(Graph graph, Dataset data, LossFreeTopKSettings settings, RandomStreams streams, Device? device = null)
        : base(WithBalance(graph), data, settings.Gradient, streams, device) => Settings = settings;

    /// <summary>The settings in force.</summary>
    public LossFreeTopKSettings Settings { get; }

    /// <summary>Takes the k modules of highest p(a|x) + b, weighted by the gate.</summary>
    public override Selector Evaluating => new LossFreeTopKSelector(Settings.K, Graph);

    /// <summary>Gives the graph's controllers the biases, which the checkpoints of this method hold.</summary>
    public static void AddBalance(Graph graph)
    {
        Tensor? like = graph.parameters().FirstOrDefault();
        foreach (Controller controller in like is null ? [] : Balanced(graph))
        {
            controller.AddBalance(like!);
        }
    }

    /// <summary>The controllers that have biases.</summary>
    internal static IEnumerable<Controller> Balanced(Graph graph) => graph.Nodes.SelectMany(n => n.Controllers).Where(c => c.Latent);

    /// <inheritdoc/>
    protected override MinibatchLoss LossOf(long[] datapoints, Batch batch)
    {
        GraphOutput output = Forward(batch, Evaluating);
        if (Sharding.IsWhole && Accelerator.Is(Device))
        {
            _there = Loads(output.Tape, batch.Weights, counts => counts.to_type(ScalarType.Float64).MoveToOuterDisposeScope());
        }
        else
        {
            _loads.Enqueue(Loads(output.Tape, batch.Weights, counts => FromDevice.Vector<double>(counts, Wait.Shards)));
        }

        Tensor logLikelihood = Graph.Head.MeanLogLikelihood(output.Features, batch.Targets, batch.Weights);
        return new(Penalised(-Smoothed(logLikelihood, output, batch), output), logLikelihood, () => output);
    }

    /// <summary>No module has run yet.</summary>
    private protected override void BeginStep(IReadOnlyList<Shard> shards)
    {
        _loads.Clear();
        _there = null;
        _shards = shards;
    }

    /// <summary>Moves the biases by the loads of the step's minibatch.</summary>
    protected override void Conclude(LateNumber logLikelihood)
    {
        if (_there is not null)
        {
            foreach (Controller controller in Balanced(Graph).Where(c => !c.Frozen && _there.ContainsKey(c.Layer)))
            {
                Move(controller, _there[controller.Layer]);
            }

            return;
        }

        SortedDictionary<string, double[]>?[] loads = [.. _shards.Select(shard => shard.IsEmpty ? null : _loads.Dequeue())];
        foreach (Controller controller in Balanced(Graph).Where(c => !c.Frozen))
        {
            var none = new double[controller.Modules];
            double[] load = Sharding.Sum([.. loads.Select(ran => ran?.GetValueOrDefault(controller.Layer) ?? none)]);
            // A layer that did not run has no load. Masked modules neither run nor count.
            int[] allowed = load.Any(l => l > 0) ? [.. controller.Allowed] : [];
            double mean = allowed.Length > 0 ? allowed.Average(m => load[m]) : 0;
            using var scope = NewDisposeScope();
            Tensor move = tensor(Array.ConvertAll(allowed, m => Math.Sign(mean - load[m]) * Settings.UpdateRate), device: controller.Balance!.device);
            controller.Balance.AddAt(0, tensor(Array.ConvertAll(allowed, m => (long)m), device: move.device), move.to_type(controller.Balance.dtype));
        }
    }

    // The same with loads [M] on the controller's device.
    private void Move(Controller controller, Tensor load)
    {
        using var scope = NewDisposeScope();
        Tensor allowed = tensor(controller.Allowed.Select(m => (long)m).ToArray(), device: load.device);
        Tensor own = load.IndexSelect(0, allowed);
        Tensor move = (own.mean() - own).sign() * Settings.UpdateRate;
        controller.Balance!.AddAt(0, allowed, move.to_type(controller.Balance!.dtype));
    }

    private static SortedDictionary<string, TLoad> Loads<TLoad>(Tape tape, Tensor? weights, Func<Tensor, TLoad> take)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var loads = new SortedDictionary<string, TLoad>(StringComparer.Ordinal);
        foreach (var layer in tape.Entries.Where(e => e.Latent).GroupBy(e => e.Site.Layer, StringComparer.Ordinal))
        {
            loads.Add(layer.Key, take(TapeEntry.Counts(layer, weights)));
        }

        return loads;
    }

    private static Graph WithBalance(Graph graph)
    {
        AddBalance(graph);
        return graph;
    }
}

/// <summary>
/// Takes the k modules of highest p(a|x) + b, weighted by p(a|x) over the sum of those k (Wang et al. 2024); b are the biases that the
/// graph's controllers have at the time.
/// </summary>
/// <param name="k">The number of modules per row, at most M.</param>
/// <param name="graph">The graph whose controllers have the biases (<see cref="LossFreeTopK.AddBalance"/>).</param>
public sealed class LossFreeTopKSelector(int k, Graph graph) : TopKSelector(k, "loss-free top-k")
{
    private readonly Dictionary<string, Controller> _controllers =
        LossFreeTopK.Balanced(graph).ToDictionary(c => c.Layer, StringComparer.Ordinal);

    /// <summary>The chosen modules and their weights, both [B, k]. UserException unless the site's K is 1 and k ≤ M.</summary>
    public override Selection Select(Site site, ChoiceDistribution distribution)
    {
        Check(site);
        Tensor logProbabilities = distribution.LogProbabilities.squeeze(1);
        Controller controller = _controllers[site.Layer];
        Tensor scores = controller.MaskedScores(logProbabilities.detach().exp() + controller.Balance!);
        Tensor indices = scores.topk(K, -1).indexes;
        return new(indices, nn.functional.softmax(logProbabilities.Gather(-1, indices), -1));
    }
}
