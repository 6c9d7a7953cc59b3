using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>One task among data that are made of several: which training datapoints are its own, and its held-out sets.</summary>
/// <param name="Name">What the user calls it.</param>
/// <param name="First">The number of its first training datapoint; its datapoints follow each other.</param>
/// <param name="Count">The number of its training datapoints.</param>
/// <param name="Validation">Its validation set, in parts; empty for none.</param>
/// <param name="Test">Its test set, in parts; empty for none.</param>
public sealed record TaskPart(string Name, long First, long Count, IReadOnlyList<Dataset> Validation, IReadOnlyList<Dataset> Test)
{
    /// <summary>The parts of its held-out set of that phase, <c>validation</c> or <c>test</c>.</summary>
    public IReadOnlyList<Dataset> HeldOut(string phase) => phase == "test" ? Test : Validation;
}

/// <summary>Joins the data of several tasks into one set, in which every datapoint has the number of its task as task id.</summary>
public static class JoinedTasks
{
    /// <summary>
    /// Takes over the data of tasks in their order. Training datapoints of a task follow each other; held-out sets are those of all tasks, task by task.
    /// UserException where the datapoints of two tasks are not alike.
    /// </summary>
    /// <example><code>DataSplits both = JoinedTasks.Of([("01", zeroOne), ("23", twoThree)]);</code></example>
    public static DataSplits Of(IReadOnlyList<(string Name, DataSplits Splits)> tasks)
    {
        using var scope = NewDisposeScope();
        PixelScale? scale = tasks[0].Splits.Train.Pixels;
        bool asBytes = tasks.All(task => Same(task.Splits.Train.Pixels, scale));
        var trains = new List<Batch>();
        var parts = new List<TaskPart>();
        bool consecutive = tasks[0].Splits.Train.IsConsecutive;
        long first = 0;
        for (int id = 0; id < tasks.Count; id++)
        {
            (string name, DataSplits splits) = tasks[id];
            Batch train = Stored(splits.Train, id, asBytes);
            DemandAlike(tasks[0].Name, trains.Count > 0 ? trains[0] : train, name, train);
            trains.Add(train);
            int number = id;
            Dataset[] Held(IReadOnlyList<Dataset> held) => [.. held.Select(part => Made(Stored(part, number, asBytes), asBytes ? scale : null, consecutive))];
            parts.Add(new(name, first, splits.Train.Count, Held(splits.Validation), Held(splits.Test)));
            first += splits.Train.Count;
        }

        bool weighted = trains.Any(train => train.Weights is not null);
        Tensor? Side(Func<SideInputs, Tensor?> of) => of(trains[0].Side!) is null ? null : cat([.. trains.Select(train => of(train.Side!)!)], 0);
        Tensor? weights = weighted
            ? cat([.. trains.Select(train => train.Weights ?? ones(train.Inputs.shape[0], ScalarType.Float64))], 0)
            : null;
        var all = new Batch(
            cat([.. trains.Select(train => train.Inputs)], 0),
            cat([.. trains.Select(train => train.Targets)], 0),
            new(Side(s => s.Tasks), Side(s => s.Given), weights));
        var joined = new DataSplits(
            Made(all, asBytes ? scale : null, consecutive), [.. parts.SelectMany(p => p.Validation)], [.. parts.SelectMany(p => p.Test)])
        {
            Tasks = parts,
            Identity = new(
                [.. tasks.SelectMany(task => task.Splits.Identity.Parts.Select(part => part with { Name = $"{task.Name}: {part.Name}" }))],
                tasks.Any(task => task.Splits.Identity.AreDrawn)),
        };
        foreach ((_, DataSplits splits) in tasks)
        {
            splits.Dispose();
        }

        return joined;
    }

    private static Dataset Made(Batch batch, PixelScale? pixels, bool consecutive) => new(batch.Inputs, batch.Targets, batch.Side, pixels, consecutive);

    // Its tensors live on when the set is disposed of. Bytes that tasks scale in different ways become numbers here.
    private static Batch Stored(Dataset set, int task, bool asBytes) => new(
        asBytes || set.Pixels is null ? set.Inputs.alias() : set.Pixels.Apply(set.Inputs),
        set.Targets.alias(),
        new(full(set.Count, (long)task, ScalarType.Int64), set.Side?.Given?.alias(), set.Side?.Weights?.alias()));

    private static bool Same(PixelScale? a, PixelScale? b) =>
        a is null || b is null ? ReferenceEquals(a, b) : a.Scale.SequenceEqual(b.Scale) && a.Shift.SequenceEqual(b.Shift);

    private static void DemandAlike(string first, Batch one, string name, Batch other)
    {
        void Demand(string what, Tensor? a, Tensor? b)
        {
            static string Say(Tensor? tensor) => tensor is null ? "none" : $"{tensor.shape[1..].AsShape()} {tensor.dtype}";
            if (Say(a) != Say(b))
            {
                throw new UserException(
                    $"data/{name}", $"{what} like those of task {first}, {Say(a)} per datapoint", Say(b), "give all tasks datapoints of one shape");
            }
        }

        Demand("x", one.Inputs, other.Inputs);
        Demand("y", one.Targets, other.Targets);
        Demand("given choices", one.Side?.Given, other.Side?.Given);
    }
}
