namespace ModNet.Runtime;

/// <summary>The datapoints of each task, in the order in which tasks and datapoints come: the groups that share an assignment (<see cref="EmAssign.PerTask"/>).</summary>
internal sealed class TaskGroups
{
    private readonly long[][] _members;
    private readonly int[] _groupOf;

    /// <summary>UserException where the data have no task ids, or are consecutive windows of a text.</summary>
    internal TaskGroups(Dataset data)
    {
        if (data.Side?.Tasks is not { } tasks || data.IsConsecutive)
        {
            throw new UserException(
                "train/assign", "data with a task id for every datapoint, for `PerTask`", "data without", "give the data task ids, or leave `assign` out");
        }

        long[] ids = TensorArrays.Vector<long>(tasks);
        var numbers = new Dictionary<long, int>();
        var members = new List<List<long>>();
        _groupOf = new int[ids.Length];
        for (int n = 0; n < ids.Length; n++)
        {
            if (!numbers.TryGetValue(ids[n], out int group))
            {
                numbers.Add(ids[n], group = members.Count);
                members.Add([]);
            }

            members[group].Add(n);
            _groupOf[n] = group;
        }

        _members = [.. members.Select(m => m.ToArray())];
    }

    /// <summary>G, the number of groups.</summary>
    internal int Count => _members.Length;

    /// <summary>How many groups have about as many datapoints together as are asked for, at least one.</summary>
    internal long Within(long datapoints) => Math.Max(1, datapoints * Count / Math.Max(1, _groupOf.Length));

    /// <summary>The datapoints of a group.</summary>
    internal IReadOnlyList<long> Of(int group) => _members[group];

    /// <summary>The group that a datapoint belongs to.</summary>
    internal int GroupOf(long datapoint) => _groupOf[datapoint];

    /// <summary>Gives all datapoints of every group the composition of its first one.</summary>
    internal void Unify(Assignments assignments)
    {
        foreach (long[] members in _members)
        {
            long[] composition = [.. Enumerable.Range(0, assignments.Choices).Select(c => assignments[members[0], c])];
            foreach (long member in members)
            {
                assignments.Set(member, composition);
            }
        }
    }
}
