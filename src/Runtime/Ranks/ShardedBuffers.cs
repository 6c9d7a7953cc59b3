using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The buffers that forward passes move, such as the running averages of batch normalisation. Every shard of a minibatch moves them from where they were before it;
/// afterwards they have moved by the mean over shards of how far each moved them. So the statistics by which batch normalisation normalises in training are those of
/// a shard, and its running averages those of all shards.
/// </summary>
internal sealed class ShardedBuffers : IDisposable
{
    private readonly (Tensor Buffer, Tensor Before)[] _buffers;
    private readonly List<double[]> _moves = [];

    /// <summary>Remembers the buffers of a graph as they are.</summary>
    internal ShardedBuffers(Graph graph)
    {
        using var noGrad = no_grad();
        _buffers = [.. graph.buffers().DistinctBy(b => b.Handle).Select(b => (b, b.detach().clone().DetachFromDisposeScope()))];
    }

    /// <summary>Puts the buffers back to where they were, before a shard is run.</summary>
    internal void Begin()
    {
        using var noGrad = no_grad();
        foreach ((Tensor buffer, Tensor before) in _buffers)
        {
            buffer.copy_(before);
        }
    }

    /// <summary>Takes notice of how far a shard has moved the buffers, which counts by the shard's share.</summary>
    internal void Take(double share)
    {
        using var scope = NewDisposeScope();
        _moves.Add([.. Real.SelectMany(b => TensorArrays.Vector<double>(b.Buffer.to_type(ScalarType.Float64) - b.Before.to_type(ScalarType.Float64)).Select(m => m * share))]);
    }

    /// <summary>Moves the buffers by what all shards of all ranks have moved them. Those of whole numbers, which count steps, stay as a shard left them.</summary>
    internal void Put(Sharding sharding)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        if (!Real.Any())
        {
            return;
        }

        double[] moved = sharding.Sum(_moves);
        int start = 0;
        foreach ((Tensor buffer, Tensor before) in Real)
        {
            int length = (int)buffer.numel();
            Tensor move = tensor(moved[start..(start + length)], device: buffer.device).view(buffer.shape);
            buffer.copy_((before.to_type(ScalarType.Float64) + move).to_type(buffer.dtype));
            start += length;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Array.ForEach(_buffers, b => b.Before.Dispose());

    private IEnumerable<(Tensor Buffer, Tensor Before)> Real => _buffers.Where(b => b.Buffer.is_floating_point());
}
