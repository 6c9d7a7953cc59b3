using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>How a composition is searched for.</summary>
/// <param name="Most">Where there are at most so many compositions, all are scored, so the best one is found for sure.</param>
/// <param name="Restarts">Else, from so many compositions drawn at random the search climbs, at least 1.</param>
/// <param name="Seed">By which these compositions are drawn, and the order of choices.</param>
/// <param name="Bytes">How much memory the scores of compositions may take at once, in bytes.</param>
public sealed record SearchSettings(int Most = 4_096, int Restarts = 16, int Seed = 1, long Bytes = 1L << 28);

/// <summary>What a search found.</summary>
/// <param name="Composition">The best composition that was scored; of equal ones the first.</param>
/// <param name="LogLikelihood">Σ_n log p(y_n|x_n, a) of the task's datapoints under it, in nats.</param>
/// <param name="Datapoints">N, the number of datapoints.</param>
/// <param name="Scored">How many different compositions were scored.</param>
/// <param name="IsExact">Whether these were all.</param>
public sealed record FoundComposition(TaskComposition Composition, double LogLikelihood, long Datapoints, int Scored, bool IsExact);

/// <summary>
/// Finds for a new task the composition that explains its datapoints best, with weights as they are: argmax_a Σ_n log p(y_n|x_n, a), one a for all of them. This is the
/// adaptation of modular meta-learning (Alet, Lozano-Pérez, Kaelbling 2018), with a search of our own in the place of simulated annealing.
/// </summary>
/// <remarks>
/// Controllers have no say: what they learned of p(a|x) is of the tasks of training. Where there are few compositions, all are scored. Else the search climbs from compositions
/// drawn at random: it takes the choices one by one in an order drawn at random, scores every module at that choice, keeps the best, and ends when no single choice
/// improves the score.
/// </remarks>
public static class CompositionSearch
{
    // As many are scored in one pass, of those that are enumerated.
    private const int Together = 256;

    /// <summary>Searches on x [N, …] as the graph reads it, with what is to be predicted of them [N, …], all on the graph's device.</summary>
    /// <exception cref="UserException">There is no datapoint, or nothing to choose, or a layer reads a task id that is not given; modules are spread over ranks.</exception>
    /// <example><code>FoundComposition found = CompositionSearch.Run(graph, x, y);</code></example>
    public static FoundComposition Run(Graph graph, Tensor x, Tensor targets, SideInputs? side = null, SearchSettings? settings = null)
    {
        settings ??= new();
        Demand(graph, x, targets, settings);
        using var scope = NewDisposeScope();
        var task = new Batch(x, targets, TaskComposition.Beside(graph, side, x.shape[0], x.device));
        using var scores = new CompositionScores(graph, task, settings.Bytes);
        long all = scores.Allowed.Aggregate(1L, (product, allowed) => Math.Min(product * allowed.Count, 1L << 31));
        bool isExact = all <= settings.Most;
        (int[] best, double score) = isExact ? Enumerated(scores, (int)all) : Climbed(scores, settings);
        return new(scores.Named(best), score, x.shape[0], scores.Scored, isExact);
    }

    private static void Demand(Graph graph, Tensor x, Tensor targets, SearchSettings settings)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(settings.Most);
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.Restarts, 1);
        if (!graph.HasChoice)
        {
            throw new UserException(
                "adaptation", "a network that chooses modules", "one with nothing to choose", "take its weights on by `fine_tune`, or give it a `modular` layer of two modules or more");
        }

        if (graph.IsSpread)
        {
            throw new UserException("adaptation", "a network whose modules are in this process", "one whose modules are spread over ranks", "leave `spread` out of the pools");
        }

        if (x.shape[0] == 0 || targets.shape[0] != x.shape[0])
        {
            throw new UserException(
                "adaptation", "a datapoint of the new task or more, each with what is to be predicted of it", $"{x.shape[0]} datapoints and {targets.shape[0]} targets", "give as many of both");
        }
    }

    private static (int[] Best, double Score) Enumerated(CompositionScores scores, int all)
    {
        (int[] best, double most) = ([], double.NegativeInfinity);
        foreach (int[] numbers in Enumerable.Range(0, all).Chunk(Together))
        {
            int[][] compositions = Array.ConvertAll(numbers, number => Composition(scores.Allowed, number));
            (int[] first, double score) = Highest(compositions, scores.Of(compositions));
            if (best.Length == 0 || score > most)
            {
                (best, most) = (first, score);
            }
        }

        return (best, most);
    }

    // The number in the digits of the choices, the last one varying fastest.
    private static int[] Composition(IReadOnlyList<int>[] allowed, int number)
    {
        var composition = new int[allowed.Length];
        for (int c = allowed.Length - 1; c >= 0; c--)
        {
            (number, int place) = Math.DivRem(number, allowed[c].Count);
            composition[c] = allowed[c][place];
        }

        return composition;
    }

    private static (int[] Best, double Score) Climbed(CompositionScores scores, SearchSettings settings)
    {
        var random = new Random(settings.Seed);
        (int[] best, double most) = ([], double.NegativeInfinity);
        for (int restart = 0; restart < settings.Restarts; restart++)
        {
            int[] start = Array.ConvertAll(scores.Allowed, allowed => allowed[random.Next(allowed.Count)]);
            (int[] top, double score) = Climb(scores, start, random);
            if (best.Length == 0 || score > most)
            {
                (best, most) = (top, score);
            }
        }

        return (best, most);
    }

    private static (int[] Top, double Score) Climb(CompositionScores scores, int[] start, Random random)
    {
        (int[] held, double score) = (start, scores.Of([start])[0]);
        int[] order = [.. Enumerable.Range(0, start.Length)];
        bool climbs = true;
        while (climbs)
        {
            climbs = false;
            random.Shuffle(order);
            foreach (int choice in order)
            {
                int[][] others = [.. scores.Allowed[choice].Select(module => Changed(held, choice, module))];
                (int[] top, double reached) = Highest(others, scores.Of(others));
                if (reached > score)
                {
                    (held, score, climbs) = (top, reached, true);
                }
            }
        }

        return (held, score);
    }

    private static int[] Changed(int[] composition, int choice, int module)
    {
        int[] changed = [.. composition];
        changed[choice] = module;
        return changed;
    }

    // The first of the best.
    private static (int[] Best, double Score) Highest(int[][] compositions, double[] scores)
    {
        int best = 0;
        for (int i = 1; i < scores.Length; i++)
        {
            if (scores[i] > scores[best])
            {
                best = i;
            }
        }

        return (compositions[best], scores[best]);
    }
}
