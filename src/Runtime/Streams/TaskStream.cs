using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>One task of a stream: which training datapoints are its own, and for how many gradient steps it is trained on.</summary>
/// <param name="Name">What the user calls it.</param>
/// <param name="First">The number of its first training datapoint; its datapoints follow each other.</param>
/// <param name="Count">The number of its training datapoints, ≥ 1.</param>
/// <param name="Steps">The number of gradient steps, ≥ 1.</param>
public sealed record TaskSpan(string Name, long First, long Count, long Steps)
{
    /// <summary>
    /// Some of its training datapoints in ascending order, all equally probable: as many as asked for, or all where they are fewer. They follow from the seed, the task's name
    /// and the purpose alone, so a resumed run draws the same without having saved them.
    /// </summary>
    internal long[] Draw(long count, long seed, string purpose)
    {
        if (count >= Count)
        {
            return [.. Enumerable.Range(0, checked((int)Count)).Select(place => First + place)];
        }

        using var scope = NewDisposeScope();
        using var streams = new RandomStreams(seed);
        long[] order = TensorArrays.Vector<long>(randperm(Count, ScalarType.Int64, generator: streams[$"{purpose} of {Name}"]));
        return [.. order.Take((int)count).Order().Select(place => First + place)];
    }
}

/// <summary>Datapoints of earlier tasks that are added to every minibatch of a later one.</summary>
/// <param name="Count">How many are added to a minibatch, ≥ 1; fewer where fewer may be taken.</param>
/// <param name="ByModule">
/// Whether only those are taken whose a* has a module that the minibatch's a* has too, each module as often as the minibatch has it; otherwise all
/// that are stored are equally probable.
/// </param>
public sealed record ReplayPlan(long Count, bool ByModule = false)
{
    /// <summary>How many datapoints of each earlier task are stored, ≥ 1; null stores all.</summary>
    public long? Memory { get; init; }
}

/// <summary>
/// A penalty on what later tasks change of the parameters, by how much these matter to earlier tasks: elastic weight consolidation (<see cref="TaskStream.Consolidation"/>).
/// </summary>
/// <param name="Weight">λ ≥ 0, the weight of the penalty λ/2 · Σ_i F_i (θ_i − θ*_i)²; 0 is without it, bit for bit.</param>
/// <param name="Datapoints">Over how many training datapoints of a task F is measured, ≥ 1; over all where there are fewer.</param>
public sealed record ConsolidationPlan(double Weight, long Datapoints = 200);

/// <summary>A pool that gets more modules to choose from where a later task needs them (<see cref="TaskStream.Growth"/>).</summary>
/// <param name="Pool">The pool's name.</param>
/// <param name="Start">How many of its modules may be chosen from the beginning, the first ones: from 1 to M − 1.</param>
/// <param name="Add">How many more may be chosen each time, ≥ 1, until there are M.</param>
/// <param name="Every">After how many gradient steps of a task it is asked, and again after as many, ≥ 1.</param>
/// <param name="Above">The pool grows if the task's mean −log p(y|x, a), in nats per datapoint, is above it.</param>
/// <param name="Datapoints">Over how many training datapoints of the task that is measured, ≥ 1; over all where there are fewer.</param>
public sealed record GrowthPlan(string Pool, int Start, int Add, long Every, double Above, long Datapoints = 200);

/// <summary>
/// Tasks that a method is trained on one after the other: minibatches are drawn from the present task alone, and from what is stored of earlier
/// ones if there is a <see cref="Replay"/>.
/// </summary>
/// <param name="Tasks">The tasks in their order.</param>
public sealed record TaskStream(IReadOnlyList<TaskSpan> Tasks)
{
    /// <summary>What is replayed of earlier tasks; null for nothing.</summary>
    public ReplayPlan? Replay { get; init; }

    /// <summary>
    /// The plasticity p in [0, 1] of modules that earlier tasks use: where a module's part of their choices, beside that of the most used module of its pool, is u, a
    /// gradient step of a later task changes the module by 1 − (1 − p) u of what it would. Needs a method with assignments a*. Null is p = 1.
    /// </summary>
    public double? Plasticity { get; init; }

    /// <summary>
    /// Elastic weight consolidation: before the first step of a later task, F is measured over datapoints of the task that ended, which the seed draws: the mean of
    /// the squared gradients, one datapoint at a time, of log p(y|x, a) with the modules that evaluation takes; under EM of log p(y|x, a*) plus the controller's weight times
    /// log p(a*|x). Null is without.
    /// </summary>
    public ConsolidationPlan? Consolidation { get; init; }

    /// <summary>
    /// A pool of which some modules may not be chosen until a task after the first asks for them. The task is asked by datapoints of it that the seed draws, with the modules
    /// that evaluation takes. Null is without.
    /// </summary>
    public GrowthPlan? Growth { get; init; }

    /// <summary>Closes the modules of a growing pool to its controllers: for a graph into which the weights of a run with growth are to be loaded.</summary>
    public static void Close(Graph graph, GrowthPlan growth) => Runtime.Growth.Of(graph, growth);

    /// <summary>The number of gradient steps over all tasks.</summary>
    public long Steps => Tasks.Sum(task => task.Steps);

    /// <summary>The number of the task that gradient step <paramref name="step"/> is of, both from 0. After the last step it stays the last task.</summary>
    public int At(long step)
    {
        int task = 0;
        for (long end = Tasks[0].Steps; step >= end && task < Tasks.Count - 1; end += Tasks[task].Steps)
        {
            task++;
        }

        return task;
    }

    /// <summary>The number of gradient steps before a task.</summary>
    public long Start(int task) => Tasks.Take(task).Sum(earlier => earlier.Steps);

    /// <summary>The number of gradient steps with which a task ends.</summary>
    public long End(int task) => Start(task) + Tasks[task].Steps;

    /// <summary>Whether a task ends with so many gradient steps.</summary>
    public bool EndsAt(long steps) => Enumerable.Range(0, Tasks.Count).Any(task => End(task) == steps);
}

/// <summary>The learning rate of a stream: every task has a schedule of its own, which begins with the task's first step.</summary>
/// <param name="Tasks">The number of steps and the schedule of every task, in order.</param>
public sealed record StreamSchedule(IReadOnlyList<(long Steps, Schedule Schedule)> Tasks) : Schedule
{
    /// <inheritdoc/>
    public override double Factor(long step)
    {
        int task = 0;
        for (; task < Tasks.Count - 1 && step >= Tasks[task].Steps; task++)
        {
            step -= Tasks[task].Steps;
        }

        return Tasks[task].Schedule.Factor(step);
    }
}
