using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The state of a pool one of whose modules becomes another unit, so that all of its modules have parameters of their own.</summary>
public static class PoolApart
{
    /// <summary>
    /// The state of a run after module <paramref name="replaced"/> of a pool has become a unit of another kind: it begins with what
    /// <paramref name="after"/> holds of it, and the optimiser remembers nothing of it. All other modules keep their parameters, moving averages, and what the
    /// optimiser remembers of them. The caller disposes of the tensors.
    /// </summary>
    /// <param name="state">The state before, by name, as a checkpoint has it.</param>
    /// <param name="before">The graph before, from which names are taken and not values.</param>
    /// <param name="after">The graph after, whose pool of that name has nodes of its own (<see cref="NodePool"/>).</param>
    /// <param name="pool">The name of the pool.</param>
    /// <param name="replaced">The module that is another unit now.</param>
    public static Dictionary<string, Tensor> Apply(
        IReadOnlyDictionary<string, Tensor> state, Graph before, Graph after, string pool, int replaced)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var parts = new PoolParts(before, PoolEdit.PoolOf(before, pool));
        Dictionary<string, Tensor> fresh = after.state_dict();
        var edited = new Dictionary<string, Tensor>(state, StringComparer.Ordinal);
        string start = StateNames.OfPool(pool);

        // What the optimiser remembers of any parameter of the pool: its parts, and whether they are in the parameter's shape.
        string sample = state.Keys.First(k => k.StartsWith(start, StringComparison.Ordinal));
        (string Part, Tensor Value, bool InShape)[] remembered = [.. Remembered(state, sample)];
        bool isAveraged = state.ContainsKey(WeightAverage.NameOf(sample));

        foreach (string name in parts.Stacked)
        {
            foreach (int m in Enumerable.Range(0, parts.Pool.Count).Where(m => m != replaced))
            {
                string own = Own(fresh, parts, m, name[start.Length..]);
                edited[own] = state[name].select(0, m).clone();
                if (isAveraged)
                {
                    edited[WeightAverage.NameOf(own)] = state[WeightAverage.NameOf(name)].select(0, m).clone();
                }

                foreach ((string part, Tensor value, bool inShape) in Remembered(state, name))
                {
                    edited[StateNames.OfMemories(own) + part] = inShape ? value.select(0, m).clone() : Count(state, pool, m, value);
                }
            }

            Remove(edited, name);
        }

        if (state.TryGetValue(StateNames.ModuleSteps + pool, out Tensor? steps))
        {
            edited[StateNames.ModuleSteps + pool] = steps.clone().index_fill_(0, tensor(new long[] { replaced }), 0);
        }

        if (state.TryGetValue(StateNames.UsedEarlier + pool, out Tensor? used))
        {
            edited[StateNames.UsedEarlier + pool] = used.clone().index_fill_(0, tensor(new long[] { replaced }), 0);
        }

        string place = $"{parts.Apart}{replaced}.";
        var learned = after.named_parameters().Select(p => p.name).ToHashSet();
        foreach (string name in state.Keys.Where(k => k.StartsWith(place, StringComparison.Ordinal)))
        {
            Remove(edited, name);
        }

        foreach (string name in fresh.Keys.Where(k => k.StartsWith(place, StringComparison.Ordinal)))
        {
            Tensor value = fresh[name].detach().cpu().clone();
            edited[name] = value;
            if (!learned.Contains(name))
            {
                continue;
            }

            if (isAveraged)
            {
                edited[WeightAverage.NameOf(name)] = value.clone();
            }

            foreach ((string part, Tensor like, bool inShape) in remembered)
            {
                edited[StateNames.OfMemories(name) + part] = inShape ? zeros_like(value) : zeros_like(like);
            }
        }

        return RunState.Owned(edited);
    }

    // The name of a module's own parameter that was a row of a stack: modules of one layer have its name before that of the parameter.
    private static string Own(Dictionary<string, Tensor> fresh, PoolParts parts, int module, string rest)
    {
        string place = $"{parts.Apart}{module}.";
        return parts.Pool is ChainPool
            ? place + rest
            : fresh.Keys.Single(k => k.StartsWith(place, StringComparison.Ordinal) && k.EndsWith($".{rest}", StringComparison.Ordinal));
    }

    private static IEnumerable<(string Part, Tensor Value, bool InShape)> Remembered(IReadOnlyDictionary<string, Tensor> state, string weight)
    {
        int start = StateNames.OfMemories(weight).Length;
        return StateNames.AllMemories(state, weight)
            .Select(name => (name[start..], state[name], state[name].shape.SequenceEqual(state[weight].shape)));
    }

    // How many steps a module has had, where each has a number of its own.
    private static Tensor Count(IReadOnlyDictionary<string, Tensor> state, string pool, int module, Tensor ofAll) =>
        state.TryGetValue(StateNames.ModuleSteps + pool, out Tensor? steps) ? steps.select(0, module).clone().view(ofAll.shape) : ofAll.clone();

    private static void Remove(Dictionary<string, Tensor> edited, string weight)
    {
        string[] names = [.. StateNames.WithAverage(edited, weight), .. StateNames.AllMemories(edited, weight)];
        foreach (string name in names)
        {
            edited.Remove(name);
        }
    }
}
