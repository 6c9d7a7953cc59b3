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
        var means = new List<double[]>();
        var inUse = new List<byte[]>();
        var reports = new List<byte[]>();
        foreach (Shard shard in shards)
        {
            using var scope = NewDisposeScope();
            buffers.Begin();
            resting?.Begin();
            var statistics = new SelectionStatistics();
            var score = new PredictionScore(graph.Head);
            double[] mean = [0, 0, 0];
            if (!shard.IsEmpty)
            {
                (MinibatchLoss seen, Batch batch) = run(shard);
                if (report)
                {
                    GraphOutput output = seen.Seen();
                    statistics.Add(output.Tape);
                    score.Add(output.Features, batch.Targets, batch.Weights);
                }

                // Where only frozen modules ran, and controllers are frozen, nothing is to be learned from the shard.
                if (seen.Loss.requires_grad)
                {
                    (seen.Loss * shard.Share).backward();
                }

                mean = [seen.Loss.ToDouble() * shard.Share, seen.LogLikelihood.ToDouble() * shard.Share, seen.Reported.ToDouble() * shard.Share];
            }

            sum.Take();
            spread.EndPass();
            buffers.Take(shard.Share);
            means.Add(mean);
            inUse.Add(resting?.InUse() ?? []);
            reports.Add(report ? ShardReport.Of(statistics, score) : []);
        }

        resting?.Unite(sharding.All(inUse));
        sum.Put();
        spread.PutGradients();
        buffers.Put(sharding);
        double[] all = sharding.Sum(means);
        if (!report)
        {
            return (tensor(new[] { all[0] }).squeeze(), all[1], null);
        }

        (SelectionStatistics seenStatistics, PredictionScore seenScore) = ShardReport.Join(sharding.All(reports), graph.Head);
        return (tensor(new[] { all[0] }).squeeze(), all[1], new(all[2], all[1], seenStatistics, seenScore));
    }
}
