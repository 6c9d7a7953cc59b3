using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Mends an a* that holds modules which are gone: a choice of such a module becomes the most probable of those that are left, given the choices
/// before it; then an E-step (Eq. 11), of these datapoints alone, replaces that by a more probable composition, if it draws one. Datapoints whose
/// composition is whole stay as they are.
/// </summary>
public static class AssignmentRepair
{
    /// <summary>
    /// Takes over the table [N, C] int64 of an edited run into <paramref name="method"/>, whose graph is as it is after the edit, and mends it.
    /// Recurrent layers start at zero for every datapoint. Gives the number of datapoints that were mended.
    /// </summary>
    /// <exception cref="UserException">The table is not that of so many datapoints and choices.</exception>
    public static long Run(ViterbiEm method, Graph graph, Dataset data, Tensor table)
    {
        long[] shape = [method.Assignments.Count, method.Assignments.Choices];
        if (!table.shape.SequenceEqual(shape))
        {
            throw new UserException(
                "a* of the edited run", shape.AsShape(), table.shape.AsShape(), "give the data that the run was trained on");
        }

        long[] values = TensorArrays.Vector<long>(table.to_type(ScalarType.Int64));
        int choices = method.Assignments.Choices;
        var broken = new List<long>();
        for (long n = 0; n < method.Assignments.Count; n++)
        {
            Span<long> own = values.AsSpan(checked((int)(n * choices)), choices);
            if (own.Contains(PoolEdit.Unassigned))
            {
                broken.Add(n);
            }
            else
            {
                method.Assignments.Set(n, own);
            }
        }

        foreach (long[] datapoints in broken.Chunk(checked((int)method.Settings.EBatch)))
        {
            using var scope = NewDisposeScope();
            Batch batch = data.Get(tensor(datapoints)).To(method.Device);
            Tensor held = table.to_type(ScalarType.Int64).index_select(0, tensor(datapoints)).to(method.Device);
            graph.InEvaluation(() =>
            {
                Tape tape = graph.Forward(batch.Inputs, new FillingSelector(held), batch.Side).Tape;
                long[] filled = TensorArrays.Vector<long>(cat([.. tape.Entries.Where(e => e.Latent).Select(e => e.Selection.Indices)], 1));
                for (int b = 0; b < datapoints.Length; b++)
                {
                    method.Assignments.Set(datapoints[b], filled.AsSpan(b * choices, choices));
                }

                return true;
            });
            method.EStep(datapoints);
        }

        return broken.Count;
    }

    // Takes what is held, and the most probable module where nothing is.
    private sealed class FillingSelector(Tensor held) : Selector
    {
        public override Selection Select(Site site, ChoiceDistribution distribution)
        {
            Tensor own = held.narrow(1, site.Offset, site.Choose);
            return new(where(own.ge(0), own, distribution.Mode()));
        }
    }
}
