using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// Shards that train by themselves for some steps, each with weights and an optimiser of its own, and then go on from the average of all (local SGD, Stich 2019; per module
/// as in DiPaCo, Douillard et al. 2024). What a module learned counts by how often the shard's datapoints chose it in the round; everything else counts alike. So do the
/// memories of optimisers; of counts of steps, the largest is kept.
/// </summary>
/// <remarks>
/// A rank that has one shard trains it in place. A rank that has several keeps the others aside, and puts each in place for its step: the outcome is that of as many ranks
/// as there are shards, to the last bit.
/// </remarks>
internal sealed class LooseWorkers : IDisposable
{
    private readonly StepTaker _steps;
    private readonly Graph _graph;
    private readonly Sharding _sharding;
    private readonly WorkerState _live;

    // What the workers of this rank have that are not in place, by shard.
    private readonly Dictionary<int, Dictionary<string, Tensor>> _aside = [];

    // How often each module was chosen in the round, by shard and pool.
    private readonly Dictionary<int, SortedDictionary<string, double[]>> _uses = [];
    private readonly List<double[]> _logLikelihoods = [];
    private int _inPlace;
    private long _since;

    /// <summary>Begins with one and the same worker for all shards: the graph and optimiser as they are.</summary>
    internal LooseWorkers(Graph graph, StepTaker steps, Sharding sharding)
    {
        (_graph, _steps, _sharding) = (graph, steps, sharding);
        _live = new(graph, steps);
        _inPlace = sharding.Own.First();
    }

    /// <summary>Whether a round has just ended.</summary>
    internal bool IsSettled => _since == 0;

    /// <summary>Puts a worker in place.</summary>
    internal void Enter(int shard)
    {
        if (shard == _inPlace || IsSettled && _aside.Count == 0)
        {
            _inPlace = shard;
            return;
        }

        Dictionary<string, Tensor> leaving = _live.Copy();
        if (_aside.Remove(shard, out Dictionary<string, Tensor>? coming))
        {
            _live.Put(coming);
            Free(coming);
        }

        _aside[_inPlace] = leaving;
        _inPlace = shard;
    }

    /// <summary>Takes a step with every worker of this rank. The result is of all ranks, if a report is asked for.</summary>
    /// <param name="shards">This rank's shards of the minibatch.</param>
    /// <param name="run">Puts a shard's worker in place, and gives its loss and batch.</param>
    /// <param name="demand">NonFiniteException where the loss, or a gradient, is not finite.</param>
    /// <param name="report">Whether a report is asked for. All ranks ask together.</param>
    internal StepResult? Step(Shard[] shards, Func<Shard, (MinibatchLoss Loss, Batch Batch)> run, Action<Shard[], Tensor> demand, bool report)
    {
        BeginRound();
        var tally = new ShardTally(_graph.Head, _sharding, report);
        foreach (Shard shard in shards)
        {
            using var scope = NewDisposeScope();
            if (!shard.IsEmpty)
            {
                Enter(shard.Number);
                _steps.Optimizer.zero_grad();
                _steps.Resting?.Begin();
            }

            if (tally.Run(shard, run, 1) is MinibatchLoss seen)
            {
                demand([shard], seen.Loss);
                Count(shard.Number, seen.Seen().Tape);
                _steps.TakeUncounted();
            }
        }

        _steps.Count();
        _since++;
        foreach ((double[] sum, double logLikelihood) in _logLikelihoods.Zip(tally.LogLikelihoods))
        {
            sum[0] += logLikelihood;
        }

        return report ? tally.OfAll().Report : null;
    }

    /// <summary>
    /// Ends the round: all workers become the average of all. The result says how many steps the round had, and the mean log-likelihood over its minibatches; null where
    /// there was none.
    /// </summary>
    internal (long Steps, double LogLikelihood)? Settle()
    {
        if (IsSettled)
        {
            return null;
        }

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        SortedDictionary<string, double[]>[] uses = AllUses();
        int[] own = [.. _sharding.Own];
        Dictionary<string, Tensor>[] workers = Array.ConvertAll(own, shard => shard == _inPlace ? _live.Copy() : _aside.Remove(shard, out Dictionary<string, Tensor>? kept) ? kept : _live.Copy());
        var average = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var group in workers[0].Where(part => part.Value.is_floating_point()).GroupBy(part => part.Value.dtype))
        {
            string[] names = [.. group.Select(part => part.Key)];
            Tensor flat = BalancedTree<Tensor>.Of(
                own.Zip(workers, (shard, worker) => cat([.. names.Select(name => (worker[name] * Factor(name, shard, uses, worker[name])).reshape(-1).cpu())], 0)),
                (a, b) => a.add_(b));
            _sharding.Ranks.Sum(flat);
            long start = 0;
            foreach (string name in names)
            {
                average.Add(name, flat.narrow(0, start, workers[0][name].numel()).view(workers[0][name].shape));
                start += workers[0][name].numel();
            }
        }

        string[] counts = [.. workers[0].Keys.Where(name => !average.ContainsKey(name))];
        foreach ((string name, long[] most) in counts.Zip(Largest(counts, workers)))
        {
            average.Add(name, tensor(most).view(workers[0][name].shape));
        }

        _live.Put(average);
        Array.ForEach(workers, Free);
        double logLikelihood = _sharding.Sum(_logLikelihoods)[0] / _since;
        long steps = _since;
        (_since, _inPlace) = (0, own[0]);
        return (steps, logLikelihood);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Dictionary<string, Tensor> worker in _aside.Values)
        {
            Free(worker);
        }
    }

    private void BeginRound()
    {
        if (!IsSettled)
        {
            return;
        }

        _uses.Clear();
        _logLikelihoods.Clear();
        foreach (int shard in _sharding.Own)
        {
            _uses[shard] = new(StringComparer.Ordinal);
            foreach (ModulePool pool in _graph.Pools)
            {
                _uses[shard][pool.Name] = new double[pool.Count];
            }

            _logLikelihoods.Add([0]);
            if (shard != _inPlace)
            {
                _aside[shard] = _live.Copy();
            }
        }
    }

    private void Count(int shard, Tape tape)
    {
        using var noGrad = no_grad();
        foreach (var pool in tape.Entries.GroupBy(e => e.Site.Pool, StringComparer.Ordinal))
        {
            double[] uses = _uses[shard][pool.Key];
            double[] counts = TensorArrays.Vector<double>(TapeEntry.Counts(pool));
            for (int m = 0; m < uses.Length; m++)
            {
                uses[m] += counts[m];
            }
        }
    }

    // Of all shards, by pool.
    private SortedDictionary<string, double[]>[] AllUses()
    {
        byte[][] own = [.. _sharding.Own.Select(shard => MemoryMarshal.AsBytes<double>([.. _uses[shard].Values.SelectMany(u => u)]).ToArray())];
        return Array.ConvertAll(_sharding.All(own), said =>
        {
            var uses = new SortedDictionary<string, double[]>(StringComparer.Ordinal);
            double[] all = MemoryMarshal.Cast<byte, double>(said).ToArray();
            int start = 0;
            foreach ((string pool, double[] like) in _uses[_sharding.Own.First()])
            {
                uses.Add(pool, all[start..(start += like.Length)]);
            }

            return uses;
        });
    }

    // What a worker's part counts in the average: one number, or one for each row.
    private Tensor Factor(string name, int shard, SortedDictionary<string, double[]>[] uses, Tensor like)
    {
        double Of(double[][] counts, int module)
        {
            double all = counts.Sum(c => c[module]);
            return all > 0 ? counts[shard][module] / all : 1.0 / _sharding.Count;
        }

        (string? pool, int? module) = _live.PoolOf(name);
        double[][] used = pool is null ? [] : Array.ConvertAll(uses, u => u[pool]);
        if (pool is not null && module is null)
        {
            double[] rows = [.. Enumerable.Range(0, used[0].Length).Select(m => Of(used, m))];
            return tensor(rows, like.dtype, like.device).view([rows.Length, .. Enumerable.Repeat(1L, (int)like.dim() - 1)]);
        }

        return tensor(module is int one ? Of(used, one) : 1.0 / _sharding.Count, like.dtype, like.device);
    }

    private IEnumerable<long[]> Largest(string[] names, Dictionary<string, Tensor>[] workers)
    {
        byte[][] own = Array.ConvertAll(workers, worker => MemoryMarshal.AsBytes<long>([.. names.SelectMany(name => TensorArrays.Vector<long>(worker[name]))]).ToArray());
        long[] most = _sharding.All(own).Select(said => MemoryMarshal.Cast<byte, long>(said).ToArray()).Aggregate((a, b) => [.. a.Zip(b, Math.Max)]);
        int start = 0;
        foreach (string name in names)
        {
            yield return most[start..(start += (int)workers[0][name].numel())];
        }
    }

    private static void Free(Dictionary<string, Tensor> worker)
    {
        foreach (Tensor part in worker.Values)
        {
            part.Dispose();
        }
    }
}
