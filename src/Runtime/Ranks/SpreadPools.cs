using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>The pools of a graph whose modules live on ranks.</summary>
internal sealed class SpreadPools
{
    // The largest part of a stack that is gathered at a time, in bytes of all ranks: MPI counts bytes by 32 bits.
    private const long Part = 1L << 30;

    private readonly SpreadPool[] _pools;
    private readonly HashSet<nint> _parameters;

    internal SpreadPools(IEnumerable<ModulePool> pools)
    {
        _pools = [.. pools.OfType<SpreadPool>()];
        _parameters = [.. _pools.SelectMany(pool => pool.Stacked).Select(p => p.Handle)];
    }

    /// <summary>No pools.</summary>
    internal static SpreadPools None { get; } = new([]);

    /// <summary>Whether there are any.</summary>
    internal bool Any => _pools.Length > 0;

    /// <summary>The ranks that they live on; those of one process where there are none. ArgumentException where they differ.</summary>
    internal Ranks Ranks => _pools.Select(p => p.Ranks).Distinct().ToArray() switch
    {
        [] => Ranks.Alone,
        [Ranks ranks] => ranks,
        _ => throw new ArgumentException("expected the modules of all pools on the same ranks, got several groups of ranks – make them with one"),
    };

    /// <summary>How many modules live on other ranks for each that lives here: R − 1.</summary>
    internal long Elsewhere => Ranks.Count - 1;

    /// <summary>Whether a parameter holds modules that live here, of which other ranks have others.</summary>
    internal bool Hold(Tensor parameter) => _parameters.Contains(parameter.Handle);

    /// <summary>Is called before the first shard of a minibatch.</summary>
    internal void Begin() => Array.ForEach(_pools, pool => pool.Begin());

    /// <summary>Is called after each of this rank's shards.</summary>
    internal void EndPass() => Array.ForEach(_pools, pool => pool.Pass++);

    /// <summary>Is called after the last of them: the parameters then have their gradients.</summary>
    internal void PutGradients() => Array.ForEach(_pools, pool => pool.PutGradients());

    /// <summary>Whether any rank says yes, of a graph that is spread; else what this one says.</summary>
    internal bool AnySays(bool own) => Ranks.Any(own);

    /// <summary>
    /// Puts the rows of all modules in the place of those of the modules here, in what a checkpoint is to hold, on the rank that leads. All ranks call it together.
    /// </summary>
    internal void Gather(Dictionary<string, Tensor> state)
    {
        foreach ((SpreadPool pool, string name) in Names(state))
        {
            state[name] = Gathered(pool, state[name]);
        }
    }

    /// <summary>The same state with the rows of the modules here alone, where it has those of all.</summary>
    internal SavedState Here(SavedState saved)
    {
        if (Elsewhere == 0)
        {
            return saved;
        }

        Dictionary<string, Tensor> state = saved.Names.ToDictionary(name => name, saved.Get, StringComparer.Ordinal);
        foreach ((SpreadPool pool, string name) in Names(state).Where(part => state[part.Name].shape[0] == part.Pool.Count))
        {
            state[name] = state[name].narrow(0, pool.FirstHere, pool.CountHere);
        }

        return new(saved.Path, state);
    }

    // What has a row for every module: weights, their moving averages, and what the optimiser remembers of them.
    private (SpreadPool Pool, string Name)[] Names(Dictionary<string, Tensor> state) =>
    [
        .. from pool in _pools
           from parameter in pool.named_parameters()
           let weight = StateNames.OfPool(pool.Name) + parameter.name
           where state.ContainsKey(weight)
           from name in StateNames.WithAverage(state, weight).Concat(StateNames.Memories(state, weight))
           select (pool, name),
    ];

    private static Tensor Gathered(SpreadPool pool, Tensor own)
    {
        Ranks ranks = pool.Ranks;
        if (ranks.Count == 1)
        {
            return own;
        }

        Tensor here = own.detach().cpu(), all = ranks.Leads ? empty([pool.Count, .. own.shape[1..]], own.dtype, CPU) : here;
        long atOnce = Math.Max(1, Part / (ranks.Count * here.element_size() * Math.Max(1, here.numel() / here.shape[0])));
        for (long start = 0; start < pool.CountHere; start += atOnce)
        {
            int count = (int)Math.Min(atOnce, pool.CountHere - start);
            int[] sent = [count, .. Enumerable.Repeat(0, ranks.Count - 1)];
            int[] received = [.. Enumerable.Repeat(ranks.Leads ? count : 0, ranks.Count)];
            Tensor rows = ranks.Exchange(here.narrow(0, start, count), sent, received);
            for (int r = 0; r < ranks.Count && ranks.Leads; r++)
            {
                all.narrow(0, (long)r * pool.CountHere + start, count).copy_(rows.narrow(0, (long)r * count, count));
            }
        }

        return all;
    }
}
