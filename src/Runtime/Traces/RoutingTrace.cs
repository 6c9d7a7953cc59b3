namespace ModNet.Runtime;

/// <summary>
/// Which modules ran for N datapoints at one time of the training, how sure the controllers were, and what came of it.
/// Plain arrays, no tensor. <see cref="RoutingFile"/> says how it is kept.
/// </summary>
public sealed record RoutingTrace
{
    /// <summary>Gradient steps before it was taken.</summary>
    public required long Step { get; init; }

    /// <summary><c>train</c>, <c>validation</c> or <c>test</c>.</summary>
    public required string Split { get; init; }

    /// <summary>[N]: the datapoints' numbers in the split, from 0, ascending.</summary>
    public required long[] Datapoints { get; init; }

    /// <summary>The modular layers in the order in which data pass them.</summary>
    public required IReadOnlyList<RoutingLayer> Layers { get; init; }

    /// <summary>[N]: log p(y|x, a), summed over a datapoint's outputs, nats.</summary>
    public required float[] LogLikelihood { get; init; }

    /// <summary>
    /// [N]: log p(a|x) = Σ over sites (Eq. 2), nats. Null where outputs are weighted (noisy top-k), where the method reads no
    /// controller and where nothing is latent.
    /// </summary>
    public float[]? LogProbability { get; init; }

    /// <summary>[N, T]: token ids, where inputs are tokens.</summary>
    public int[,]? Tokens { get; init; }

    /// <summary>[N, D]: inputs, where they are vectors of at most <see cref="RoutingTracer.WidestFeatures"/> numbers.</summary>
    public float[,]? Features { get; init; }

    /// <summary>[N, O]: true classes; O = 1, or T for a sequence (the next words).</summary>
    public int[,]? TargetClasses { get; init; }

    /// <summary>[N, O]: true numbers or bits.</summary>
    public float[,]? TargetValues { get; init; }

    /// <summary>[N]: most probable classes; null for sequences.</summary>
    public int[]? PredictedClasses { get; init; }

    /// <summary>[N, O]: predicted means, or most probable bits.</summary>
    public float[,]? PredictedValues { get; init; }

    /// <summary>[N]: task ids, where datapoints have one.</summary>
    public int[]? Tasks { get; init; }

    /// <summary>What tokens, classes and tasks stand for.</summary>
    public RoutingLabels Labels { get; init; } = new();

    /// <summary>N.</summary>
    public int Count => Datapoints.Length;

    /// <summary>The trace of some of its datapoints: rows in [0, N), in the order given.</summary>
    public RoutingTrace Pick(int[] rows) => this with
    {
        Datapoints = TensorArrays.Rows(Datapoints, rows),
        Layers = [.. Layers.Select(l => new RoutingLayer(
            l.Name,
            l.Modules,
            l.Latent,
            TensorArrays.Rows(l.Selections, rows),
            TensorArrays.Rows(l.Probabilities, rows),
            TensorArrays.Rows(l.Weights, rows))
        {
            Held = TensorArrays.Rows(l.Held, rows),
        })],
        LogLikelihood = TensorArrays.Rows(LogLikelihood, rows),
        LogProbability = TensorArrays.Rows(LogProbability, rows),
        Tokens = TensorArrays.Rows(Tokens, rows),
        Features = TensorArrays.Rows(Features, rows),
        TargetClasses = TensorArrays.Rows(TargetClasses, rows),
        TargetValues = TensorArrays.Rows(TargetValues, rows),
        PredictedClasses = TensorArrays.Rows(PredictedClasses, rows),
        PredictedValues = TensorArrays.Rows(PredictedValues, rows),
        Tasks = TensorArrays.Rows(Tasks, rows),
    };

    /// <summary>
    /// The same with a* for selections, and without probabilities, where every latent layer has it; else null. What is said of
    /// likelihoods and predictions stays that of the controllers' own choice.
    /// </summary>
    public RoutingTrace? Assigned() => !Layers.Any(l => l.Latent) || Layers.Any(l => l.Latent && l.Held is null)
        ? null
        : this with
        {
            Layers = [.. Layers.Select(l => l.Held is null ? l : new RoutingLayer(l.Name, l.Modules, l.Latent, l.Held) { Held = l.Held })],
            LogProbability = null,
        };

    /// <summary>Reads a file. UserException where it is no routing trace.</summary>
    public static RoutingTrace Load(string path) => RoutingFile.Read(path);
}

/// <summary>What numbers in the data stand for.</summary>
/// <param name="Vocabulary">The words by token id; null where inputs are not tokens.</param>
/// <param name="Classes">The labels by class number; null where there are none.</param>
/// <param name="Tasks">The labels by task id; null where there are none.</param>
public sealed record RoutingLabels(
    IReadOnlyList<string>? Vocabulary = null, IReadOnlyList<string>? Classes = null, IReadOnlyList<string>? Tasks = null);
