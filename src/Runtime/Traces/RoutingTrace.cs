namespace ModNet.Runtime;

/// <summary>
/// Which modules ran for N datapoints at one point of the training, how sure the controllers were, and how well it went. A trace consists
/// of plain arrays without tensors. <see cref="RoutingFile"/> describes its file.
/// </summary>
public sealed record RoutingTrace
{
    /// <summary>The number of gradient steps before the trace was taken.</summary>
    public required long Step { get; init; }

    /// <summary>The split: <c>train</c>, <c>validation</c> or <c>test</c>.</summary>
    public required string Split { get; init; }

    /// <summary>The datapoints' numbers in the split, from 0 and ascending: [N].</summary>
    public required long[] Datapoints { get; init; }

    /// <summary>The modular layers in the order in which data pass them.</summary>
    public required IReadOnlyList<RoutingLayer> Layers { get; init; }

    /// <summary>log p(y|x, a) in nats, summed over a datapoint's outputs: [N].</summary>
    public required float[] LogLikelihood { get; init; }

    /// <summary>
    /// log p(a|x) in nats, summed over sites (Eq. 2): [N]. Null where outputs are weighted (noisy and loss-free top-k), where the method reads no
    /// controller, and where nothing is latent.
    /// </summary>
    public float[]? LogProbability { get; init; }

    /// <summary>The token ids [N, T], where inputs are tokens.</summary>
    public int[,]? Tokens { get; init; }

    /// <summary>The inputs [N, D], where they are vectors of at most <see cref="RoutingTracer.WidestFeatures"/> numbers.</summary>
    public float[,]? Features { get; init; }

    /// <summary>The true classes [N, O]; O is 1, or T for a sequence (the next words).</summary>
    public int[,]? TargetClasses { get; init; }

    /// <summary>The true numbers or bits [N, O].</summary>
    public float[,]? TargetValues { get; init; }

    /// <summary>The most probable classes [N]; null for sequences.</summary>
    public int[]? PredictedClasses { get; init; }

    /// <summary>The predicted means or most probable bits [N, O].</summary>
    public float[,]? PredictedValues { get; init; }

    /// <summary>The task ids [N], where datapoints have one.</summary>
    public int[]? Tasks { get; init; }

    /// <summary>The names of tokens, classes and tasks.</summary>
    public RoutingLabels Labels { get; init; } = new();

    /// <summary>N, the number of datapoints.</summary>
    public int Count => Datapoints.Length;

    /// <summary>The trace of some datapoints alone: rows in [0, N), in the order given.</summary>
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
            Pool = l.Pool,
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
    /// The trace with a* in place of the selections and without probabilities; null unless every latent layer has a*. Likelihoods and
    /// predictions stay those of the controllers' own choice.
    /// </summary>
    public RoutingTrace? Assigned() => !Layers.Any(l => l.Latent) || Layers.Any(l => l.Latent && l.Held is null)
        ? null
        : this with
        {
            Layers = [.. Layers.Select(l => l.Held is null ? l : new RoutingLayer(l.Name, l.Modules, l.Latent, l.Held) { Pool = l.Pool, Held = l.Held })],
            LogProbability = null,
        };

    /// <summary>Reads a trace from a file. UserException where the file is not a routing trace.</summary>
    public static RoutingTrace Load(string path) => RoutingFile.Read(path);
}

/// <summary>The names of token ids, class numbers and task ids.</summary>
/// <param name="Vocabulary">The words by token id; null where inputs are not tokens.</param>
/// <param name="Classes">The labels by class number; null where there are none.</param>
/// <param name="Tasks">The labels by task id; null where there are none.</param>
public sealed record RoutingLabels(
    IReadOnlyList<string>? Vocabulary = null, IReadOnlyList<string>? Classes = null, IReadOnlyList<string>? Tasks = null);
