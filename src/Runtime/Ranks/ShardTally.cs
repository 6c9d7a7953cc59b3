using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Runs the shards of a minibatch, and adds up what they saw: of this rank's shards one after the other, then of those of all ranks.</summary>
/// <param name="head">The head of the graph that is run.</param>
/// <param name="sharding">How the minibatch is cut.</param>
/// <param name="report">Whether statistics and scores are wanted. All ranks want them together.</param>
internal sealed class ShardTally(Head head, Sharding sharding, bool report)
{
    // Of each shard, by its share: the loss, the log-likelihood, and the loss that is reported.
    private readonly List<double[]> _means = [];
    private readonly List<byte[]> _reports = [];

    /// <summary>Runs the next of this rank's shards, forward and back, unless it is empty. The result is its loss, in the caller's dispose scope; null where there is none.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="run">Gives its loss, with its batch.</param>
    /// <param name="weight">What its gradient counts.</param>
    internal MinibatchLoss? Run(Shard shard, Func<Shard, (MinibatchLoss Loss, Batch Batch)> run, double weight)
    {
        var statistics = new SelectionStatistics();
        var score = new PredictionScore(head);
        double[] mean = [0, 0, 0];
        MinibatchLoss? seen = null;
        if (!shard.IsEmpty)
        {
            (seen, Batch batch) = run(shard);
            if (report)
            {
                GraphOutput output = seen.Seen();
                statistics.Add(output.Tape);
                score.Add(output.Features, batch.Targets, batch.Weights);
            }

            // Where only frozen modules ran, and controllers are frozen, nothing is to be learned from the shard.
            if (seen.Loss.requires_grad)
            {
                (seen.Loss * weight).backward();
            }

            mean = [Read(seen.Loss) * shard.Share, Read(seen.LogLikelihood) * shard.Share, Read(seen.Reported) * shard.Share];
        }

        _means.Add(mean);
        _reports.Add(report ? ShardReport.Of(statistics, score) : []);
        return seen;
    }

    private static double Read(Tensor scalar) => FromDevice.Number(scalar, Wait.Shards);

    /// <summary>What each of this rank's shards adds to the mean log-likelihood of the minibatch.</summary>
    internal IEnumerable<double> LogLikelihoods => _means.Select(mean => mean[1]);

    /// <summary>The loss and the mean log-likelihood of the whole minibatch, and what is reported of it. All ranks ask together.</summary>
    internal (double Loss, double LogLikelihood, StepResult? Report) OfAll()
    {
        double[] all = sharding.Sum(_means);
        if (!report)
        {
            return (all[0], all[1], null);
        }

        (SelectionStatistics statistics, PredictionScore score) = ShardReport.Join(sharding.All(_reports), head);
        return (all[0], all[1], new(all[2], all[1], statistics, score));
    }
}
