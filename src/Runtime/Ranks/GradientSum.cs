using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// Sums the gradients of the shards of a minibatch, of all ranks, by a <see cref="BalancedTree{T}"/>. Afterwards every rank has the same gradient, to the last bit.
/// Of a stacked parameter whose unused modules rest, only the rows in use are summed and sent.
/// </summary>
internal sealed class GradientSum
{
    private readonly Sharding _sharding;
    private readonly Parameter[] _parameters;
    private readonly RestingModules? _resting;
    private readonly BalancedTree<Summand[]> _tree;

    /// <summary>Begins a sum. The rows in use are those that <paramref name="resting"/> tracks; null where none are tracked.</summary>
    internal GradientSum(Sharding sharding, IEnumerable<Parameter> parameters, RestingModules? resting)
    {
        (_sharding, _resting) = (sharding, resting);
        // There may be several objects for one parameter.
        _parameters = [.. parameters.DistinctBy(p => p.Handle)];
        _tree = new((a, b) => [.. a.Zip(b, Summand.Add)]);
    }

    /// <summary>Takes the gradients of a shard from the parameters, which then have none.</summary>
    internal void Take()
    {
        using var noGrad = no_grad();
        _tree.Add(Array.ConvertAll(_parameters, parameter =>
        {
            using var scope = NewDisposeScope();
            Tensor? gradient = parameter.grad;
            parameter.grad = null;
            return Summand.Of(gradient, _resting?.RowsInUse(parameter));
        }));
    }

    /// <summary>Gives the parameters their gradients of the whole minibatch.</summary>
    internal void Put()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Summand[] own = Array.ConvertAll(_tree.Result, part => part with { Values = Owned(scope, part.Values) });
        Summand[] all = _sharding.Ranks.Count == 1 ? own : AcrossRanks(own);
        for (int i = 0; i < _parameters.Length; i++)
        {
            if (all[i].Values is Tensor values)
            {
                _parameters[i].grad = all[i].Rows is long[] rows
                    ? RowSelection.Gradient(tensor(rows, device: values.device), values, _parameters[i].shape[0])
                    : values;
            }
        }
    }

    private Summand[] AcrossRanks(Summand[] own)
    {
        Summand[] forms = Agreed(own);
        var summed = new Summand?[own.Length];
        foreach (var group in Enumerable.Range(0, own.Length).Where(i => !forms[i].IsNone).GroupBy(i => _parameters[i].dtype))
        {
            int[] members = [.. group];
            Tensor[] parts = Array.ConvertAll(members, i => own[i].In(forms[i], _parameters[i]));
            Tensor flat = cat([.. parts.Select(p => p.reshape(-1).cpu())], 0);
            _sharding.Ranks.Sum(flat);
            long start = 0;
            for (int m = 0; m < members.Length; m++)
            {
                Tensor sum = flat.narrow(0, start, parts[m].numel()).view(parts[m].shape).to(parts[m].device);
                summed[members[m]] = forms[members[m]] with { Values = sum };
                start += parts[m].numel();
            }
        }

        return Array.ConvertAll(summed, sum => sum ?? Summand.None);
    }

    // What form the sum of each gradient has on all ranks: none, all rows, or some.
    private Summand[] Agreed(Summand[] own)
    {
        using var message = new MemoryStream();
        using (var writer = new BinaryWriter(message))
        {
            foreach (Summand part in own)
            {
                writer.Write(part.IsNone ? -2 : part.Rows?.Length ?? -1);
                foreach (long row in part.Rows ?? [])
                {
                    writer.Write((int)row);
                }
            }
        }

        Summand[] forms = [.. own.Select(_ => Summand.None)];
        foreach (byte[] rank in _sharding.Ranks.Gather(message.ToArray()))
        {
            ReadOnlySpan<int> said = MemoryMarshal.Cast<byte, int>(rank);
            for (int i = 0, at = 0; i < forms.Length; i++)
            {
                int rows = said[at++];
                long[]? some = rows >= 0 ? [.. said.Slice(at, rows).ToArray().Select(row => (long)row)] : null;
                at += some?.Length ?? 0;
                forms[i] = rows == -2 ? forms[i] : forms[i].United(new(null, some) { IsNone = false });
            }
        }

        return forms;
    }

    private static Tensor? Owned(DisposeScope scope, Tensor? values)
    {
        if (values is not null)
        {
            scope.Attach(values);
        }

        return values;
    }

    // A gradient, or its sum over some shards: none; all rows, [M, …]; or the given rows [U], ascending, [U, …]. Rows that are not there count as +0.
    private sealed record Summand(Tensor? Values, long[]? Rows)
    {
        internal static Summand None { get; } = new(null, null) { IsNone = true };

        internal bool IsNone { get; init; }

        internal static Summand Of(Tensor? gradient, long[]? inUse)
        {
            if (gradient is null)
            {
                return None;
            }

            if (!gradient.is_sparse)
            {
                return inUse is null ? Own(gradient, null) : Own(gradient.index_select(0, tensor(inUse, device: gradient.device)), inUse);
            }

            Tensor values = gradient.SparseValues;
            long[] rows = TensorArrays.Vector<long>(gradient.SparseIndices.select(0, 0));
            if (IsAscending(rows))
            {
                return Own(values, rows);
            }

            // Several sites have each given a summand of a row.
            long[] each = [.. rows.Distinct().Order()];
            Tensor places = tensor(Array.ConvertAll(rows, row => (long)Array.BinarySearch(each, row)), device: values.device);
            return Own(zeros([each.Length, .. values.shape[1..]], values.dtype, values.device).index_add_(0, places, values, 1), each);
        }

        // Every −0 becomes +0: so it does not matter to the bits of a sum whether a row that one shard lacks is left out, or added as zeros.
        private static Summand Own(Tensor values, long[]? rows) => new(values.add_(0).DetachFromDisposeScope(), rows);

        private static bool IsAscending(long[] rows)
        {
            for (int i = 1; i < rows.Length; i++)
            {
                if (rows[i] <= rows[i - 1])
                {
                    return false;
                }
            }

            return true;
        }

        internal static Summand Add(Summand a, Summand b)
        {
            Summand form = a.United(b);
            if (form.IsNone)
            {
                return form;
            }

            using var scope = NewDisposeScope();
            (a, b) = (a with { Values = Owned(scope, a.Values) }, b with { Values = Owned(scope, b.Values) });

            // Both are there, or the one that is there is the sum.
            Tensor sum = a.IsNone ? b.Values! : b.IsNone ? a.Values! : b.AddTo(a.In(form, Like(a, b, form)), form);
            return form with { Values = sum.DetachFromDisposeScope() };
        }

        // Adds the rows that are there to all rows of a form that has room for them.
        private Tensor AddTo(Tensor all, Summand form) => Fits(form) ? all.add_(Values!) : all.index_add_(0, Places(form, all.device), Values!, 1);

        private bool Fits(Summand form) => form.Rows is null ? Rows is null : Rows is not null && form.Rows.AsSpan().SequenceEqual(Rows);

        private Tensor Places(Summand form, Device device) =>
            tensor(form.Rows is null ? Rows! : Array.ConvertAll(Rows!, row => (long)Array.BinarySearch(form.Rows, row)), device: device);

        private static Tensor Like(Summand a, Summand b, Summand form) =>
            form.Rows is null && a.Rows is not null ? b.Values! : a.Values ?? b.Values!;

        // The form that has room for both.
        internal Summand United(Summand other) =>
            IsNone ? other with { Values = null }
            : other.IsNone ? this with { Values = null }
            : new(null, Rows is null || other.Rows is null ? null : [.. Rows.Union(other.Rows).Order()]);

        // The values in a form that has room for them. `like` has the shape of all rows, or of as many as there are, and tells type and device.
        internal Tensor In(Summand form, Tensor like)
        {
            if (Values is not null && Fits(form))
            {
                return Values;
            }

            Tensor all = form.Rows is null ? zeros_like(like) : zeros([form.Rows.Length, .. like.shape[1..]], like.dtype, like.device);
            return Values is null ? all : all.index_copy_(0, Places(form, like.device), Values);
        }
    }
}
