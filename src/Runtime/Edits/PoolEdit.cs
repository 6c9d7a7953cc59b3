using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Edits all that the state of a run holds of a pool's modules: their parameters, the rows of every controller that chooses from the pool, noise
/// weights, balance biases, moving averages, what the optimiser remembers, how many steps each module has had, and a*.
/// </summary>
public static class PoolEdit
{
    // In an edited a*, a choice of a module that is gone.
    internal const long Unassigned = -1;

    /// <summary>
    /// The state of a run after an edit of one of its pools. The caller disposes of its tensors. A choice in a* of a
    /// module that is gone is −1, and a* is then [N, C] int64 (<see cref="AssignmentRepair"/> mends it).
    /// </summary>
    /// <param name="state">The state before, by name, as a checkpoint has it.</param>
    /// <param name="before">The graph before, from which names are taken and not values.</param>
    /// <param name="after">A graph as it is after the edit, whose values new modules begin with.</param>
    /// <param name="pool">The name of the pool.</param>
    /// <param name="rows">Where its modules come from.</param>
    /// <param name="columns">The places of the pool's choices in a*.</param>
    /// <exception cref="UserException">A controller over the pool cannot be edited.</exception>
    public static Dictionary<string, Tensor> Apply(
        IReadOnlyDictionary<string, Tensor> state, Graph before, Graph after, string pool, ModuleRows rows, IReadOnlyCollection<int> columns)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        PoolParts parts = new PoolParts(before, PoolOf(before, pool)).DemandLogits();
        Dictionary<string, Tensor> fresh = after.state_dict();
        var edited = new Dictionary<string, Tensor>(state, StringComparer.Ordinal);

        // A tensor of M rows, with those of new modules from another tensor of the edited shape, or zeros.
        Tensor Rows(Tensor old, Tensor? begin)
        {
            Tensor result = begin is null ? zeros([rows.From.Count, .. old.shape[1..]], old.dtype) : begin.detach().cpu().to_type(old.dtype).clone();
            long[] kept = [.. Enumerable.Range(0, rows.From.Count).Where(m => rows.From[m] >= 0).Select(m => (long)m)];
            if (kept.Length > 0)
            {
                result.index_copy_(0, tensor(kept), old.index_select(0, tensor(Array.ConvertAll(kept, m => (long)rows.From[(int)m]))));
            }

            return result;
        }

        Tensor PerChoice(Tensor old, Tensor? begin)
        {
            long choose = old.shape[0] / rows.Before;
            Tensor[] positions = old.view([choose, rows.Before, .. old.shape[1..]]).unbind(0);
            Tensor?[] begins = begin is null
                ? new Tensor?[choose]
                : begin.detach().cpu().view([choose, rows.From.Count, .. old.shape[1..]]).unbind(0);
            return cat([.. positions.Select((position, k) => Rows(position, begins[k]))], 0);
        }

        void Change(string name, Func<Tensor, Tensor?, Tensor> change)
        {
            foreach (string weight in StateNames.WithAverage(state, name))
            {
                edited[weight] = change(state[weight], fresh.GetValueOrDefault(name));
            }

            foreach (string memory in StateNames.Memories(state, name))
            {
                edited[memory] = change(state[memory], null);
            }
        }

        foreach (string name in parts.Stacked.Concat(parts.PerModule).Where(state.ContainsKey))
        {
            Change(name, Rows);
        }

        foreach (string name in parts.PerChoice.Where(state.ContainsKey))
        {
            Change(name, PerChoice);
        }

        if (state.TryGetValue(StateNames.ModuleSteps + pool, out Tensor? steps))
        {
            edited[StateNames.ModuleSteps + pool] = Rows(steps, null);
        }

        if (state.TryGetValue(StateNames.UsedEarlier + pool, out Tensor? used))
        {
            edited[StateNames.UsedEarlier + pool] = Rows(used, null);
        }

        MoveApart(state, edited, fresh, parts.Apart, rows);
        if (parts.Pool is NodePool && PoolOf(after, pool) is not NodePool and ModulePool stacked)
        {
            Stack(edited, parts.Apart, stacked);
        }

        if (state.TryGetValue(StateNames.Assignments, out Tensor? held))
        {
            edited[StateNames.Assignments] = AStar(held, rows.To(), columns, after.MaxModules);
        }

        return RunState.Owned(edited);
    }

    /// <summary>
    /// Adds a number to the logits of some modules of a pool, in every controller that chooses from it, and in the averages of their weights. The
    /// changed tensors are new ones.
    /// </summary>
    public static void AddToLogits(Dictionary<string, Tensor> state, Graph graph, string pool, IReadOnlyCollection<int> modules, double value)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        ModulePool found = PoolOf(graph, pool);
        PoolParts parts = new PoolParts(graph, found).DemandLogits();
        foreach (string name in parts.Biases.SelectMany(n => StateNames.WithAverage(state, n)))
        {
            Tensor changed = state[name].clone();
            changed.view(-1, found.Count).index_add_(
                1, Index(modules), full([changed.numel() / found.Count, modules.Count], value, changed.dtype), 1);
            state[name].Dispose();
            state[name] = changed.DetachFromDisposeScope();
        }
    }

    /// <summary>
    /// Puts the parameters of modules of one pool in the place of as many others, which may be of another run; what the optimiser remembers of
    /// the replaced modules begins anew. UserException where two are of different shapes.
    /// </summary>
    public static Dictionary<string, Tensor> Replace(
        IReadOnlyDictionary<string, Tensor> state, Graph graph, string pool, IReadOnlyList<int> modules,
        IReadOnlyDictionary<string, Tensor> other, Graph otherGraph, string otherPool, IReadOnlyList<int> otherModules)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var (parts, source) = (new PoolParts(graph, PoolOf(graph, pool)), new PoolParts(otherGraph, PoolOf(otherGraph, otherPool)));
        var edited = new Dictionary<string, Tensor>(state, StringComparer.Ordinal);
        bool alike = parts.Stacked.Count == source.Stacked.Count
            && parts.Stacked.Zip(source.Stacked).All(p => state[p.First].shape[1..].SequenceEqual(other[p.Second].shape[1..]));
        (string Mine, string Given)[] apart =
        [
            .. modules.Zip(otherModules).SelectMany(pair =>
            {
                string[] own = Own(parts, state, pair.First), theirs = Own(source, other, pair.Second);
                return alike && own.Length == theirs.Length && own.Zip(theirs).All(p => state[p.First].shape.SequenceEqual(other[p.Second].shape))
                    ? own.Zip(theirs)
                    : throw new UserException(
                        $"pool {pool}, module {pair.First}",
                        $"a module with parameters {Shapes(parts, state, own)}",
                        $"{Shapes(source, other, theirs)} of pool {otherPool}, module {pair.Second}",
                        "take a module of the same unit");
            }),
        ];
        Tensor places = Index(modules), from = Index(otherModules);

        Tensor WithRows(Tensor old, Tensor rows) => old.clone().index_copy_(0, places.to(old.device), rows.to_type(old.dtype).to(old.device));

        foreach ((string mine, string given) in parts.Stacked.Zip(source.Stacked))
        {
            Tensor rows = other[given].detach().index_select(0, from.to(other[given].device));
            foreach (string name in StateNames.WithAverage(state, mine))
            {
                edited[name] = WithRows(state[name], rows);
            }

            foreach (string memory in StateNames.Memories(state, mine))
            {
                edited[memory] = WithRows(state[memory], zeros_like(rows));
            }
        }

        foreach ((string mine, string given) in apart)
        {
            foreach (string name in StateNames.WithAverage(state, mine))
            {
                edited[name] = other[given].clone();
            }

            foreach (string memory in StateNames.AllMemories(state, mine))
            {
                edited[memory] = zeros_like(state[memory]);
            }
        }

        if (state.TryGetValue(StateNames.ModuleSteps + pool, out Tensor? steps))
        {
            edited[StateNames.ModuleSteps + pool] = steps.clone().index_fill_(0, places, 0);
        }

        if (state.TryGetValue(StateNames.UsedEarlier + pool, out Tensor? used))
        {
            edited[StateNames.UsedEarlier + pool] = used.clone().index_fill_(0, places, 0);
        }

        return RunState.Owned(edited);
    }

    /// <summary>
    /// The parameters of one module, under the names that they have in a graph whose layers are those of the module.
    /// <paramref name="alone"/> is the name of the module's layer, where it has only one. The caller disposes of them.
    /// </summary>
    public static Dictionary<string, Tensor> Module(
        IReadOnlyDictionary<string, Tensor> state, Graph graph, string pool, int module, string alone)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var parts = new PoolParts(graph, PoolOf(graph, pool));
        string start = StateNames.OfPool(pool), apart = $"{parts.Apart}{module}.";
        var own = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (string name in parts.Stacked)
        {
            string rest = name[start.Length..];
            own.Add(parts.Pool is ChainPool ? rest : $"{alone}.{rest}", state[name].select(0, module).clone());
        }

        foreach (string name in state.Keys.Where(k => k.StartsWith(apart, StringComparison.Ordinal)))
        {
            own.Add(name[apart.Length..], state[name].clone());
        }

        return RunState.Owned(own);
    }

    /// <summary>The pool of that name. UserException where the graph has none.</summary>
    internal static ModulePool PoolOf(Graph graph, string pool) => graph.Pools.FirstOrDefault(p => p.Name == pool)
        ?? throw new UserException(
            $"pool {pool}",
            "a pool of the network",
            "none of that name",
            graph.Pools.Count == 0 ? "the network has no pools" : $"it has {string.Join(", ", graph.Pools.Select(p => p.Name))}");

    private static string[] Own(PoolParts parts, IReadOnlyDictionary<string, Tensor> state, int module) =>
        [.. state.Keys.Where(k => k.StartsWith($"{parts.Apart}{module}.", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private static Tensor Index(IEnumerable<int> modules) => tensor(modules.Select(m => (long)m).ToArray());

    private static string Shapes(PoolParts parts, IReadOnlyDictionary<string, Tensor> state, string[] own) => string.Join(
        ", ", parts.Stacked.Select(n => state[n].shape[1..].AsShape()).Concat(own.Select(n => state[n].shape.AsShape())));

    // Modules that are not stacked have names with their numbers in them.
    private static void MoveApart(
        IReadOnlyDictionary<string, Tensor> state, Dictionary<string, Tensor> edited, Dictionary<string, Tensor> fresh, string apart, ModuleRows rows)
    {
        foreach (string prefix in new[] { "", StateNames.Optimizer, WeightAverage.NameOf("") })
        {
            string start = prefix + apart;
            string[] names = [.. state.Keys.Where(k => k.StartsWith(start, StringComparison.Ordinal))];
            foreach (string name in names)
            {
                edited.Remove(name);
            }

            for (int m = 0; m < rows.From.Count && names.Length > 0; m++)
            {
                string old = $"{start}{rows.From[m]}.", now = $"{start}{m}.";
                foreach (string name in names.Where(n => n.StartsWith(old, StringComparison.Ordinal)))
                {
                    // Two modules may come from one, and each needs tensors of its own.
                    edited[now + name[old.Length..]] = state[name].clone();
                }

                if (rows.From[m] == ModuleRows.Fresh && prefix != StateNames.Optimizer)
                {
                    string plain = $"{apart}{m}.";
                    foreach (string name in fresh.Keys.Where(n => n.StartsWith(plain, StringComparison.Ordinal)))
                    {
                        edited[prefix + name] = fresh[name].detach().cpu().clone();
                    }
                }
                else if (rows.From[m] == ModuleRows.Fresh)
                {
                    string like = $"{start}0.";
                    foreach (string name in names.Where(n => n.StartsWith(like, StringComparison.Ordinal)))
                    {
                        edited[now + name[like.Length..]] = zeros_like(state[name]);
                    }
                }
            }
        }
    }

    // The one module that is left of a pool of units of several kinds becomes a stack of one, which is how a pool of equal units is kept.
    private static void Stack(Dictionary<string, Tensor> edited, string apart, ModulePool pool)
    {
        string first = $"{apart}0.", start = apart[..^"module".Length];
        foreach (string name in edited.Keys.Where(k => k.Contains(first, StringComparison.Ordinal)).ToArray())
        {
            string prefix = name[..name.IndexOf(first, StringComparison.Ordinal)];
            string rest = name[(prefix.Length + first.Length)..];
            string own = pool is ChainPool ? rest : rest[(rest.IndexOf('.') + 1)..];
            // The number of steps that the optimiser has counted is no row.
            bool isRow = prefix != StateNames.Optimizer || edited[name].dtype != ScalarType.Int64;
            edited[prefix + start + own] = isRow ? edited[name].unsqueeze(0) : edited[name];
            edited.Remove(name);
        }
    }

    // The modules of some columns by their new numbers.
    private static Tensor AStar(Tensor held, int[] to, IReadOnlyCollection<int> columns, int modules)
    {
        Tensor table = held.to_type(ScalarType.Int64).clone();
        Tensor map = Index(to);
        foreach (int column in columns)
        {
            using var scope = NewDisposeScope();
            Tensor own = table.select(1, column);
            // What an earlier edit left unassigned stays so.
            Tensor known = own.ge(0);
            own.copy_(where(known, map.index_select(0, own.clamp(min: 0)), own));
        }

        // As checkpoints hold it, but while something is unassigned.
        return table.numel() > 0 && table.min().ToInt64() < 0 ? table : table.to_type(Assignments.TypeFor(modules));
    }
}
