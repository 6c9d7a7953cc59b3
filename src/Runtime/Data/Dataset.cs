using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>N datapoints (x_n, y_n) in memory, with side inputs if they have any, which can be fetched by index.</summary>
public sealed class Dataset : IDisposable
{
    private readonly Batch _all;
    private readonly PixelScale? _pixels;

    /// <summary>
    /// Takes over inputs [N, …], targets [N, …], and the side inputs of N datapoints. With <paramref name="pixels"/>, inputs are images
    /// [N, C, H, W] that are stored as bytes and become float32 when they are fetched. With <paramref name="consecutive"/>, datapoints are
    /// windows of one text in its order, [N, T], and recurrent layers go on from one to the next. ArgumentException where shapes do not fit,
    /// and where a weight is not above 0 and finite: a datapoint of weight 0 is one to leave out.
    /// </summary>
    public Dataset(
        Tensor inputs, Tensor targets, SideInputs? side = null, PixelScale? pixels = null, bool consecutive = false)
    {
        long count = inputs.shape[0];
        if (targets.shape[0] != count)
        {
            throw new ArgumentException(
                $"dataset: expected as many targets as inputs, got {count} inputs and {targets.shape[0]} targets");
        }

        CheckSide("task ids", "[N]", side?.Tasks, 1, count);
        CheckSide("given choices", "[N, G]", side?.Given, 2, count);
        CheckWeights(side?.Weights, count, consecutive);
        _all = new Batch(inputs, targets, side).Map(t => t.DetachFromDisposeScope());
        _pixels = pixels;
        IsConsecutive = consecutive;
    }

    /// <summary>The inputs [N, …] as they are stored, so images as bytes.</summary>
    public Tensor Inputs => _all.Inputs;

    /// <summary>The targets [N, …].</summary>
    public Tensor Targets => _all.Targets;

    /// <summary>What the datapoints bring beside their inputs; null for nothing.</summary>
    public SideInputs? Side => _all.Side;

    /// <summary>How stored bytes become inputs; null where inputs are stored as they are.</summary>
    public PixelScale? Pixels => _pixels;

    /// <summary>N, the number of datapoints.</summary>
    public long Count => Inputs.shape[0];

    /// <summary>Whether the targets of a datapoint are a sequence of classes, such as the words of a text: [N, T].</summary>
    public bool IsSequence => Targets.dtype == ScalarType.Int64 && Targets.dim() > 1;

    /// <summary>Whether recurrent layers start a datapoint in the state in which they left the one before.</summary>
    public bool IsConsecutive { get; }

    /// <summary>The number of outputs per datapoint whose likelihoods are multiplied: T words of a window, D dimensions, or 1.</summary>
    public long OutputsPerDatapoint => Targets.dim() == 1 ? 1 : Targets.numel() / Math.Max(1, Count);

    /// <summary>The datapoints at the given indices, [B] int64.</summary>
    public Batch Get(Tensor indices) => Fetched(_all.Map(t => t.index_select(0, indices)));

    /// <summary>The next <paramref name="length"/> datapoints from <paramref name="start"/> on.</summary>
    public Batch Range(long start, long length) => Fetched(_all.Map(t => t.narrow(0, start, length)));

    /// <summary>The next windows [length, T] from <paramref name="start"/> on, joined into a single one [1, length·T].</summary>
    internal Batch Joined(long start, long length)
    {
        Batch apart = Range(start, length);
        return new(apart.Inputs.reshape(1, -1), apart.Targets.reshape(1, -1));
    }

    /// <summary>The datapoints at the given indices, [B] int64, as a new dataset. They are no longer consecutive.</summary>
    public Dataset Part(Tensor indices)
    {
        Batch part = _all.Map(t => t.index_select(0, indices));
        return new(part.Inputs, part.Targets, part.Side, _pixels);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Inputs.Dispose();
        Targets.Dispose();
        Side?.Tasks?.Dispose();
        Side?.Given?.Dispose();
        Side?.Weights?.Dispose();
    }

    private Batch Fetched(Batch stored) =>
        _pixels is null ? stored : stored with { Inputs = _pixels.Apply(stored.Inputs) };

    private static void CheckSide(string what, string shape, Tensor? side, long rank, long count)
    {
        if (side is not null && (side.dim() != rank || side.shape[0] != count || side.dtype != ScalarType.Int64))
        {
            throw new ArgumentException(
                $"dataset: expected {what} {shape} int64 with N = {count}, got {side.shape.AsShape()} {side.dtype}");
        }
    }

    private static void CheckWeights(Tensor? weights, long count, bool consecutive)
    {
        if (weights is null)
        {
            return;
        }

        if (consecutive)
        {
            throw new ArgumentException("dataset: expected no weights, because consecutive windows are one text, got some");
        }

        if (weights.dim() != 1 || weights.shape[0] != count || weights.dtype != ScalarType.Float64)
        {
            throw new ArgumentException(
                $"dataset: expected weights [N] float64 with N = {count}, got {weights.shape.AsShape()} {weights.dtype}");
        }

        using Tensor sound = weights.gt(0).logical_and_(weights.isfinite());
        if (!sound.all().ToBoolean())
        {
            throw new ArgumentException("dataset: expected weights above 0 and finite, got others; leave datapoints of weight 0 out");
        }
    }
}

/// <summary>A minibatch: inputs [B, …], targets [B, …], and what the datapoints bring beside them, if anything.</summary>
public readonly record struct Batch(Tensor Inputs, Tensor Targets, SideInputs? Side = null)
{
    /// <summary>How much each datapoint counts, [B] float64 above 0; null where all count alike.</summary>
    public Tensor? Weights => Side?.Weights;

    /// <summary>
    /// The mean over datapoints that a loss is made of: each [B] → scalar, Σ_n w_n · each_n / Σ_n w_n. Where datapoints have no weights it is
    /// the plain mean.
    /// </summary>
    public Tensor Mean(Tensor each) => Weighting.Mean(each, Weights);

    /// <summary>What the datapoints bring beside their inputs, with their targets.</summary>
    internal SideInputs SideWithTargets => (Side ?? new(null, null)) with { Targets = Targets };

    /// <summary>The same datapoints on another device.</summary>
    public Batch To(Device device) => Map(t => t.to(device));

    /// <summary>Applies a change to every tensor.</summary>
    internal Batch Map(Func<Tensor, Tensor> change) => new(change(Inputs), change(Targets), Side?.Map(change));
}

/// <summary>What datapoints bring beside their inputs.</summary>
/// <param name="Tasks">A task id per datapoint, [B] int64, for controllers that read one.</param>
/// <param name="Given">
/// The choices of the layers whose choices are given, [B, G] int64. Each of these layers, in order, takes the next K columns.
/// </param>
/// <param name="Weights">
/// How much each datapoint counts in losses and metrics, [B] float64 above 0; null where all count alike. No layer computes with it.
/// </param>
public sealed record SideInputs(Tensor? Tasks, Tensor? Given, Tensor? Weights = null)
{
    /// <summary>The targets [B, …] for boundaries inside the network (<see cref="BoundaryNode"/>); training methods give them in gradient steps.</summary>
    public Tensor? Targets { get; init; }

    /// <summary>Applies a change to every tensor.</summary>
    internal SideInputs Map(Func<Tensor, Tensor> change) =>
        new(Tasks is null ? null : change(Tasks), Given is null ? null : change(Given), Weights is null ? null : change(Weights))
        {
            Targets = Targets is null ? null : change(Targets),
        };
}
