using System.Globalization;
using System.Text;
using TorchSharp.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Looks for NaN and infinities, and says where the first of them are.</summary>
internal static class Finiteness
{
    /// <summary>What an explanation has in place of a layer, where every layer gives finite numbers.</summary>
    internal const string NoPlace = "every layer gives finite numbers, and the head or a controller makes this of them";

    private const int MostNames = 3;

    /// <summary>UserException with the number of the datapoint where x or y of a dataset is not finite. Ids and bytes always are.</summary>
    internal static void Demand(Dataset data, string name)
    {
        foreach ((string what, Tensor values) in new[] { ("x", data.Inputs), ("y", data.Targets) })
        {
            if (First(values) is { } bad)
            {
                throw new UserException(
                    $"{name} data", $"finite numbers in {what}", $"{bad.Value} in datapoint {bad.Row}",
                    "mend this datapoint, or leave it out (datapoints are counted from 0)");
            }
        }
    }

    /// <summary>
    /// Whether a scalar loss and all gradients are finite. One number is fetched from the device, the sum of all. A sum of finite numbers
    /// is finite unless it overflows, and then each number is looked at. On an accelerator, minibatches that are run whole do not come here (<see cref="LateFiniteness"/>).
    /// </summary>
    internal static bool Holds(Tensor loss, IReadOnlyList<Parameter> parameters)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        // Every step comes here, so this takes one operator for each parameter and three more.
        var parts = new List<Tensor>(parameters.Count + 1) { loss };
        foreach (Parameter parameter in parameters)
        {
            if (parameter.grad is Tensor gradient)
            {
                Tensor sum = Values(gradient).sum();
                parts.Add(sum.dtype == loss.dtype ? sum : sum.to_type(loss.dtype));
            }
        }

        return double.IsFinite(FromDevice.Number(Operators.Stack([.. parts], 0).sum(), Wait.Shards))
            || (double.IsFinite(loss.ToDouble()) && !parameters.Any(p => p.grad is Tensor gradient && First(Values(gradient)) is not null));
    }

    /// <summary>Says what is not finite, as precisely as can be told: data, parameters, layers or gradients, whichever comes first.</summary>
    /// <param name="graph">The graph, which <paramref name="forward"/> runs once more.</param>
    /// <param name="step">The number of the gradient step, from 1.</param>
    /// <param name="loss">The loss of that step.</param>
    /// <param name="forward">Runs the minibatch again.</param>
    internal static NonFiniteException Explain(Graph graph, long step, double loss, Action forward)
    {
        using var noGrad = no_grad();
        if (double.IsFinite(loss))
        {
            string gradients = Names(graph, p => p.grad is Tensor gradient ? Values(gradient) : null);
            return new(step, "finite gradients", $"{(gradients.Length > 0 ? gradients : NoPlace)} (the loss is {Text(loss)})");
        }

        string parameters = Names(graph, p => p);
        if (graph.Spread.AnySays(parameters.Length > 0))
        {
            return new(step, "a finite loss", $"{Text(loss)}: {(parameters.Length > 0 ? parameters : NoPlace)}");
        }

        string? place = null;
        graph.Watch = (node, output) =>
        {
            if (place is null && First(output) is { } bad)
            {
                place = $"{bad.Value} in what layer {node.Name} gives";
            }
        };
        try
        {
            forward();
        }
        finally
        {
            graph.Watch = null;
        }

        return new(step, "a finite loss", $"{Text(loss)}: {place ?? NoPlace}");
    }

    /// <summary>
    /// The same explanation on every rank: that of the first rank that can tell the place. <paramref name="own"/> is this rank's message, which is empty where it has none.
    /// All ranks call it together.
    /// </summary>
    internal static NonFiniteException Agreed(Ranks ranks, long step, string own)
    {
        string[] all = Array.FindAll(Array.ConvertAll(ranks.Gather(Encoding.UTF8.GetBytes(own)), Encoding.UTF8.GetString), message => message.Length > 0);
        return new(step, Array.Find(all, message => !message.Contains(NoPlace, StringComparison.Ordinal)) ?? all[0]);
    }

    /// <summary>Says which parameters are not finite after <paramref name="step"/> steps; null where all are finite.</summary>
    internal static NonFiniteException? OfParameters(Graph graph, long step)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Parameter[] parameters = [.. graph.parameters()];
        if (parameters.Length > 0
            && Accelerator.Holds(parameters[0])
            // As in LateFiniteness, by one read.
            && FromDevice.Vectors([.. parameters.Select(p => p.to_type(ScalarType.Float64).sum())], Wait.Checkpoint).All(sum => double.IsFinite(sum[0])))
        {
            return null;
        }

        string names = Names(graph, p => p);
        return names.Length > 0 ? new(step, "finite parameters after the step", names) : null;
    }

    private static string Names(Graph graph, Func<Parameter, Tensor?> of)
    {
        (string Name, string Value)[] bad =
        [
            .. graph.named_parameters()
                .Select(p => (Name: p.name, Bad: of(p.parameter) is Tensor values ? First(values) : null))
                .Where(p => p.Bad is not null)
                .Select(p => (p.Name, p.Bad!.Value.Value)),
        ];
        string rest = bad.Length > MostNames ? $" and {bad.Length - MostNames} more" : "";
        return string.Join(", ", bad.Take(MostNames).Select(b => $"{b.Value} in {b.Name}")) + rest;
    }

    // The first value that is not finite, and its row; null where all are finite.
    private static (long Row, string Value)? First(Tensor values)
    {
        using var scope = NewDisposeScope();
        if (!values.is_floating_point() || values.numel() == 0)
        {
            return null;
        }

        Tensor flat = values.detach().reshape(-1);
        Tensor bad = flat.isfinite().logical_not();
        if (!bad.any().ToBoolean())
        {
            return null;
        }

        long place = bad.to_type(ScalarType.Int32).argmax().ToInt64();
        long perRow = values.dim() > 0 ? values.numel() / values.shape[0] : 1;
        return (place / perRow, Text(flat.select(0, place).ToDouble()));
    }

    // A sparse gradient has values for some rows alone.
    internal static Tensor Values(Tensor gradient) => gradient.is_sparse ? gradient.SparseValues : gradient;

    private static string Text(double value) => value.ToString("G6", CultureInfo.InvariantCulture);
}

/// <summary>
/// Training came to a NaN or an infinity. The exception is raised before the step that would have spread it, so parameters, optimiser and
/// assignments are those of the step before.
/// </summary>
public sealed class NonFiniteException : Exception
{
    internal NonFiniteException(long step, string expected, string got)
        : this(step, $"step {step}: expected {expected}, got {got}")
    {
    }

    internal NonFiniteException(long step, string message)
        : base(message) => Step = step;

    /// <summary>The number of the gradient step, from 1.</summary>
    public long Step { get; }
}
