using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The forward and backward pass of a minibatch in shards: what is learned, and reported, is of all shards of all ranks.</summary>
internal static class ShardedPass
{
    /// <summary>
    /// Runs this rank's shards and leaves the gradient of the mean over the minibatch at the parameters. The result has the loss as a tensor of one double, the mean
    /// log-likelihood, and what is reported if <paramref name="report"/>.
    /// </summary>
    /// <param name="graph">The graph that is trained.</param>
    /// <param name="sharding">How the minibatch is cut.</param>
    /// <param name="steps">Takes the gradient steps.</param>
    /// <param name="shards">This rank's shards.</param>
    /// <param name="run">The loss of a shard, with its batch.</param>
    /// <param name="report">Whether statistics and scores are wanted.</param>
    internal static (Tensor Loss, double LogLikelihood, StepResult? Report) Run(
        Graph graph, Sharding sharding, StepTaker steps, IReadOnlyList<Shard> shards,
        Func<Shard, (MinibatchLoss Loss, Batch Batch)> run, bool report)
    {
        RestingModules? resting = steps.Resting;
        SpreadPools spread = graph.Spread;
        var sum = new GradientSum(sharding, steps.Parameters.Where(p => !spread.Hold(p)), resting);
        spread.Begin();
        using var buffers = new ShardedBuffers(graph);
        var tally = new ShardTally(graph.Head, sharding, report);
        var inUse = new List<byte[]>();
        foreach (Shard shard in shards)
        {
            using var scope = NewDisposeScope();
            buffers.Begin();
            resting?.Begin();
            tally.Run(shard, run, shard.Share);
            sum.Take();
            spread.EndPass();
            buffers.Take(shard.Share);
            inUse.Add(resting?.InUse() ?? []);
        }

        resting?.Unite(sharding.All(inUse));
        sum.Put();
        spread.PutGradients();
        buffers.Put(sharding);
        (double loss, double logLikelihood, StepResult? seen) = tally.OfAll();
        return (tensor(new[] { loss }).squeeze(), logLikelihood, seen);
    }
}
