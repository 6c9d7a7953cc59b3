using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// Elastic weight consolidation (Kirkpatrick et al. 2017): later tasks pay λ/2 · Σ_i F_i (θ_i − θ*_i)² for what they change, where F_i is the diagonal of the Fisher
/// information of earlier tasks at θ*. There is one θ*, the parameters with which the newest earlier task ended, and F is the sum over all earlier tasks: online
/// consolidation (Schwarz et al. 2018, with γ = 1), whose cost does not grow with the tasks.
/// </summary>
/// <remarks>
/// F is the empirical one: of the labels that the data have. A module that no measured datapoint ran has F = 0. Modules that rest in a step (<see cref="Unselected.Rest"/>)
/// are not pulled in it either, as they are not shrunk by weight decay.
/// </remarks>
internal sealed class Consolidation : IDisposable
{
    private const string Importance = "importance";
    private const string Anchor = "anchor";

    private readonly double _weight;
    private readonly RestingModules? _resting;
    private readonly Part[] _parts;

    /// <summary>λ is <paramref name="weight"/> &gt; 0. There may be several names for one parameter.</summary>
    internal Consolidation(double weight, IEnumerable<(string Name, Parameter Parameter)> parameters, RestingModules? resting)
    {
        (_weight, _resting) = (weight, resting);
        _parts = [.. parameters.GroupBy(p => p.Parameter.Handle).Select(group => new Part([.. group.Select(p => p.Name)], group.First().Parameter))];
    }

    /// <summary>How many tasks have been added.</summary>
    internal int Tasks { get; private set; }

    /// <summary>
    /// Adds the next task, which ends with the parameters as they are: the mean over its datapoints, by their weights, of the squared gradient of
    /// <paramref name="logLikelihood"/>, one datapoint at a time. Where all weights are 0, nothing is added to F.
    /// </summary>
    internal void Add(IReadOnlyList<(long Datapoint, double Weight)> datapoints, Func<long, Tensor> logLikelihood)
    {
        double all = datapoints.Sum(d => d.Weight);
        foreach (Part part in _parts)
        {
            part.Settle();
        }

        foreach ((long datapoint, double weight) in datapoints.Where(d => d.Weight > 0))
        {
            using var scope = NewDisposeScope();
            Tensor value = logLikelihood(datapoint);
            if (value.requires_grad)
            {
                value.backward();
            }

            using var noGrad = no_grad();
            foreach (Part part in _parts)
            {
                part.AddSquare(weight / all);
            }
        }

        Tasks++;
    }

    /// <summary>Adds the gradient of the penalty to the gradients that lie at the parameters: λ F (θ − θ*).</summary>
    internal void AddGradients()
    {
        if (Tasks == 0)
        {
            return;
        }

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach (Part part in _parts.Where(part => part.Parameter.requires_grad && _resting?.Rests(part.Parameter) != true))
        {
            part.AddGradient(_weight, _resting?.RowsInUse(part.Parameter));
        }
    }

    /// <summary>F and θ* of each parameter, as <c>PARAMETER.importance</c> and <c>PARAMETER.anchor</c>, once there are any.</summary>
    internal IEnumerable<(string Name, Tensor Value)> State() => Tasks == 0
        ? []
        : _parts.SelectMany(part => part.Names, (part, name) => new[] { ($"{name}.{Importance}", part.F!), ($"{name}.{Anchor}", part.Before!) }).SelectMany(p => p);

    /// <summary>Takes back what <see cref="State"/> gave after so many tasks.</summary>
    internal void Restore(SavedState saved, int tasks)
    {
        using var noGrad = no_grad();
        Tasks = tasks;
        foreach (Part part in tasks > 0 ? _parts : [])
        {
            part.Settle();
            part.F!.copy_(saved.Get($"{part.Names[0]}.{Importance}", part.Parameter.shape));
            part.Before!.copy_(saved.Get($"{part.Names[0]}.{Anchor}", part.Parameter.shape));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Part part in _parts)
        {
            part.F?.Dispose();
            part.Before?.Dispose();
        }
    }

    private sealed class Part(string[] names, Parameter parameter)
    {
        internal string[] Names { get; } = names;

        internal Parameter Parameter { get; } = parameter;

        internal Tensor? F { get; private set; }

        // θ*.
        internal Tensor? Before { get; private set; }

        // Takes the parameter as it is for θ*, and no gradient yet.
        internal void Settle()
        {
            using var noGrad = no_grad();
            F ??= zeros_like(Parameter).DetachFromDisposeScope();
            Before ??= zeros_like(Parameter).DetachFromDisposeScope();
            Before.copy_(Parameter);
            Parameter.grad = null;
        }

        internal void AddSquare(double share)
        {
            if (Parameter.grad is not Tensor gradient)
            {
                return;
            }

            if (gradient.is_sparse)
            {
                (Tensor rows, Tensor values) = gradient.SummedRows();
                F!.AddAt(0, rows, values.square() * share);
            }
            else
            {
                F!.add_(gradient.square() * share);
            }

            Parameter.grad = null;
        }

        // Rows are those of modules in use, where others rest; null is all.
        internal void AddGradient(double weight, long[]? rows)
        {
            Tensor? gradient = Parameter.grad;
            if (rows is null)
            {
                Tensor slope = F! * (Parameter - Before!) * weight;
                Parameter.grad = gradient is null ? slope : gradient.add_(slope);
                return;
            }

            if (rows.Length == 0)
            {
                return;
            }

            Tensor index = tensor(rows, device: Parameter.device);
            Tensor slopes = F!.IndexSelect(0, index) * (Parameter.IndexSelect(0, index) - Before!.IndexSelect(0, index)) * weight;
            if (gradient is { is_sparse: false })
            {
                gradient.AddAt(0, index, slopes);
                return;
            }

            // A sparse gradient may have several summands for a row.
            Tensor at = gradient is null ? index : Operators.Join([gradient.SparseIndices.select(0, 0), index], 0);
            Tensor values = gradient is null ? slopes : Operators.Join([gradient.SparseValues, slopes], 0);
            Parameter.grad = sparse_coo_tensor(at.unsqueeze(0), values, Parameter.shape);
        }
    }
}
