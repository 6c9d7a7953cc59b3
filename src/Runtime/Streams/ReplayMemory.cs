using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The stored datapoints of earlier tasks, and the draws from them. What is stored of a task follows from the seed and the task's name alone, so
/// a resumed run stores the same without having saved it.
/// </summary>
/// <param name="stream">The tasks, whose <see cref="TaskStream.Replay"/> says what is stored and drawn.</param>
/// <param name="seed">The run's seed, by which the datapoints to store are drawn.</param>
/// <param name="generator">Gives what draws the datapoints to replay; it is not asked before there are some to draw from.</param>
/// <param name="index">Makes an empty index of the assignments; null where the method holds none.</param>
internal sealed class ReplayMemory(TaskStream stream, long seed, Func<Generator> generator, Func<AssignmentIndex>? index) : IDisposable
{
    // Draws by module are tried so many times as often as there are datapoints to draw; then the datapoints that are left are counted out.
    private const int Tries = 8;

    private readonly List<long> _stored = [];
    private int _tasks;

    /// <summary>The stored datapoints, in ascending order.</summary>
    internal IReadOnlyList<long> Stored => _stored;

    /// <summary>The index of what is stored; null where draws do not go by module.</summary>
    internal AssignmentIndex? Index { get; private set; }

    /// <summary>Stores what is to be kept of the tasks before <paramref name="task"/>.</summary>
    internal void Enter(int task)
    {
        if (stream.Replay!.ByModule)
        {
            Index ??= index?.Invoke() ?? throw new ArgumentException("expected a method with assignments a* for replay by module, got one without – replay uniformly");
        }

        for (; _tasks < task; _tasks++)
        {
            TaskSpan ended = stream.Tasks[_tasks];
            long[] kept = ended.Draw(stream.Replay!.Memory ?? ended.Count, seed, "memory");
            _stored.AddRange(kept);
            Index?.Add(kept);
        }
    }

    /// <summary>Different stored datapoints, all equally probable: as many as the replay says, or all where fewer are stored.</summary>
    internal long[] Draw() => Draw(_stored, stream.Replay!.Count);

    /// <summary>
    /// Different stored datapoints whose a* has a module that one of the <paramref name="minibatch"/>'s has: as many as the replay says, or all there
    /// are where they are fewer. Each is drawn by a choice of the minibatch, all equally probable, and then among the holders of its module.
    /// </summary>
    internal long[] DrawMeeting(long[] minibatch)
    {
        int[] used = [.. minibatch.SelectMany(Index!.ModulesOf).Where(module => Index.Holders(module).Count > 0)];
        if (used.Length == 0)
        {
            return [];
        }

        int wanted = (int)stream.Replay!.Count;
        var drawn = new HashSet<long>();
        double[] chance = Chance(2 * Tries * wanted);
        for (int i = 0; i < chance.Length && drawn.Count < wanted; i += 2)
        {
            IReadOnlyList<long> holders = Index.Holders(used[Place(chance[i], used.Length)]);
            drawn.Add(holders[Place(chance[i + 1], holders.Count)]);
        }

        if (drawn.Count < wanted)
        {
            long[] left = [.. used.Distinct().SelectMany(Index.Holders).Distinct().Where(n => !drawn.Contains(n)).Order()];
            drawn.UnionWith(Draw(left, wanted - drawn.Count));
        }

        return [.. drawn];
    }

    /// <inheritdoc/>
    public void Dispose() => Index?.Dispose();

    // Floyd's way to draw different ones without shuffling all.
    private long[] Draw(IReadOnlyList<long> from, long count)
    {
        if (count >= from.Count)
        {
            return [.. from];
        }

        double[] chance = Chance((int)count);
        var places = new HashSet<int>();
        for (int i = 0; i < count; i++)
        {
            int last = from.Count - (int)count + i;
            if (!places.Add(Place(chance[i], last + 1)))
            {
                places.Add(last);
            }
        }

        return [.. places.Select(place => from[place])];
    }

    private static int Place(double chance, int count) => Math.Min((int)(chance * count), count - 1);

    private double[] Chance(int count)
    {
        using Tensor drawn = rand(count, ScalarType.Float64, generator: generator());
        return TensorArrays.Vector<double>(drawn);
    }
}
