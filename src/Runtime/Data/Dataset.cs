using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>A minibatch: inputs [B, …] and targets [B, …].</summary>
public readonly record struct Batch(Tensor Inputs, Tensor Targets);

/// <summary>N datapoints (x_n, y_n) that can be fetched by index, in memory.</summary>
public sealed class Dataset : IDisposable
{
    private readonly PixelScale? _pixels;

    /// <summary>
    /// inputs [N, …], targets [N, …]; taken over. With <paramref name="pixels"/> inputs are images [N, C, H, W] stored as
    /// bytes, which become float32 when they are fetched.
    /// </summary>
    public Dataset(Tensor inputs, Tensor targets, PixelScale? pixels = null)
    {
        if (inputs.shape[0] != targets.shape[0])
        {
            throw new ArgumentException(
                $"dataset: expected as many targets as inputs, got {inputs.shape[0]} inputs and {targets.shape[0]} targets");
        }

        Inputs = inputs.DetachFromDisposeScope();
        Targets = targets.DetachFromDisposeScope();
        _pixels = pixels;
    }

    /// <summary>[N, …], as stored: images as bytes.</summary>
    public Tensor Inputs { get; }

    /// <summary>[N, …].</summary>
    public Tensor Targets { get; }

    /// <summary>N.</summary>
    public long Count => Inputs.shape[0];

    /// <summary>Whether a datapoint's outputs are a sequence of classes (the words of a text), [N, T].</summary>
    public bool IsSequence => Targets.dtype == ScalarType.Int64 && Targets.dim() > 1;

    /// <summary>Outputs per datapoint whose likelihoods are multiplied: T words of a window, D dimensions, or 1.</summary>
    public long OutputsPerDatapoint => Targets.dim() == 1 ? 1 : Targets.numel() / Math.Max(1, Count);

    /// <summary>The datapoints at indices [B] (int64).</summary>
    public Batch Get(Tensor indices) => Fetched(Inputs.index_select(0, indices), Targets.index_select(0, indices));

    /// <summary><paramref name="length"/> datapoints in order from <paramref name="start"/> on.</summary>
    public Batch Range(long start, long length) =>
        Fetched(Inputs.narrow(0, start, length), Targets.narrow(0, start, length));

    /// <summary>The datapoints at indices [B] (int64) as a dataset of their own.</summary>
    public Dataset Part(Tensor indices) =>
        new(Inputs.index_select(0, indices), Targets.index_select(0, indices), _pixels);

    /// <inheritdoc/>
    public void Dispose()
    {
        Inputs.Dispose();
        Targets.Dispose();
    }

    private Batch Fetched(Tensor inputs, Tensor targets) => new(_pixels is null ? inputs : _pixels.Apply(inputs), targets);
}
