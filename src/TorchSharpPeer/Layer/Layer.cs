using System.Text.Json.Nodes;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace ModNet.TorchSharpPeer;

/// <summary>
/// A modular linear layer, forward, backward and update, in the ways in which it is written: <c>loop</c>, rows sorted by module, then one
/// <c>nn.Linear</c> per module in use (idle ones have no gradient, and Adam passes them over); <c>bmm</c>, weights stacked, the rows of every
/// module in use, padded to the longest, in one batched product; <c>wide</c>, all modules on all rows in one product, then the chosen are
/// picked; <c>dense</c>, one layer for all rows, with a row for every choice. Choices and the gradient of the output are given.
/// </summary>
internal sealed class Layer : IModel
{
    // Of numbers in a block of outputs, and of operations in a step, beyond which nobody would run all modules on all rows.
    private const double MostNumbers = 3e8;
    private const double MostOperations = 2e11;
    private const double Rate = 1e-3;

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly long _modules;
    private readonly long _choose;
    private readonly long _width;
    private readonly Tensor _chosen;
    private readonly Tensor _x;
    private readonly Tensor _upstream;
    private readonly Tensor _many;
    private readonly Tensor _manyUpstream;
    private readonly Linear _line;
    private readonly bool _tooWide;
    private readonly Dictionary<string, Optimizers> _optimizers = [];
    private Linear[]? _linears;
    private StackedModules? _stacked;

    /// <summary>As it was told.</summary>
    internal Layer(JsonObject told)
    {
        long Number(string name) => told[name]!.GetValue<long>();
        manual_seed(1);
        (_modules, _choose, _width) = (Number("modules"), Number("choose"), Number("width"));
        (long batch, long inUse, long rows) = (Number("batch"), Number("in_use"), Number("batch") * _choose);
        _chosen = randint(inUse, new long[] { batch, _choose }, ScalarType.Int64) * (_modules / inUse);
        _x = rand(new long[] { batch, _width }, requires_grad: true);
        _upstream = rand(batch, _width);
        _many = rand(new long[] { rows, _width }, requires_grad: true);
        _manyUpstream = rand(rows, _width);
        _line = nn.Linear(_width, _width);
        _tooWide = (double)rows * _modules * _width > MostNumbers || 6.0 * batch * _modules * _width * _width > MostOperations;
    }

    // Made when they are first needed: they are large.
    private Linear[] Linears =>
        _linears ??= [.. Enumerable.Range(0, (int)_modules).Select(_ => nn.Linear(_width, _width))];

    private StackedModules Stacked
    {
        get
        {
            if (_stacked is null)
            {
                _stacked = new(_modules, _width);
                _stacked.Weight.DetachFromDisposeScope();
                _stacked.Bias.DetachFromDisposeScope();
            }

            return _stacked;
        }
    }

    /// <inheritdoc/>
    public JsonObject Variants()
    {
        JsonNode Updates() => new JsonArray([.. Optimizers.Names.Select(n => JsonValue.Create(n))]);
        return new()
        {
            ["loop"] = Updates(),
            ["bmm"] = Updates(),
            ["wide"] = _tooWide ? "all modules on all rows would be too much" : Updates(),
            ["dense"] = Updates(),
        };
    }

    /// <inheritdoc/>
    public void Run(string part, string variant, int calls)
    {
        if (!_optimizers.TryGetValue(part, out Optimizers? optimizer))
        {
            _optimizers[part] = optimizer = new(ParametersOf(part), Rate);
        }

        bool dense = part == "dense";
        (Tensor x, Tensor upstream) = dense ? (_many, _manyUpstream) : (_x, _upstream);
        for (int i = 0; i < calls; i++)
        {
            using var scope = NewDisposeScope();
            x.grad = null;
            optimizer.Step(variant, () => (dense ? _line.forward(x) : Output(part, x)).backward([upstream]));
        }
    }

    /// <inheritdoc/>
    public JsonObject Values(int rows)
    {
        using var scope = NewDisposeScope();
        using (no_grad())
        {
            for (int m = 0; m < _modules; m++)
            {
                Linears[m].weight!.copy_(Stacked.Weight[m]);
                Linears[m].bias!.copy_(Stacked.Bias[m]);
            }
        }

        JsonObject told = [];
        foreach (string way in (string[])["loop", "bmm", "wide"])
        {
            _x.grad = null;
            Tensor outputs = Output(way, _x);
            outputs.backward([_upstream]);
            told[way] = new JsonArray(Flat(outputs), Flat(_x.grad!));
        }

        return told;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Optimizers optimizer in _optimizers.Values)
        {
            optimizer.Dispose();
        }

        foreach (Linear linear in _linears ?? [])
        {
            linear.Dispose();
        }

        _stacked?.Weight.Dispose();
        _stacked?.Bias.Dispose();
        _line.Dispose();
        _scope.Dispose();
    }

    private IReadOnlyList<Parameter> ParametersOf(string way) => way switch
    {
        "dense" => [.. _line.parameters()],
        "loop" => [.. Linears.SelectMany(l => l.parameters())],
        _ => [Stacked.Weight, Stacked.Bias],
    };

    private Tensor Output(string way, Tensor x) => way switch
    {
        "loop" => Loop(x),
        "bmm" => Batched(x),
        "wide" => Wide(x),
        _ => throw new ArgumentException($"expected loop, bmm, wide or dense, got {way}"),
    };

    private Tensor Loop(Tensor x)
    {
        (Tensor order, Tensor used, Tensor counts) = Sorted();
        Tensor[] parts = x.index_select(0, RowsOf(order)).split(counts.data<long>().ToArray());
        long[] modules = used.data<long>().ToArray();
        return Unsorted(cat([.. parts.Select((part, i) => Linears[modules[i]].forward(part))]), order);
    }

    private Tensor Batched(Tensor x)
    {
        (Tensor order, Tensor used, Tensor counts) = Sorted();
        long longest = counts.max().ToInt64(), groups = used.shape[0];
        Tensor starts = counts.cumsum(0) - counts;

        // Where the i-th sorted row lies among all modules' padded rows.
        Tensor slot = repeat_interleave(arange(groups) * longest - starts, counts) + arange(order.shape[0]);
        Tensor padded = zeros(groups * longest, _width).index_copy(0, slot, x.index_select(0, RowsOf(order)));
        Tensor weight = Stacked.Weight, bias = Stacked.Bias;
        if (groups < _modules)
        {
            (weight, bias) = (weight.index_select(0, used), bias.index_select(0, used));
        }

        // TorchSharp has the summand last.
        Tensor outputs = baddbmm(padded.view(groups, longest, -1), weight.transpose(1, 2), bias.unsqueeze(1));
        return Unsorted(outputs.flatten(0, 1).index_select(0, slot), order);
    }

    private Tensor Wide(Tensor x)
    {
        Tensor every = linear(x, Stacked.Weight.flatten(0, 1), Stacked.Bias.flatten()).view(-1, _width);
        Tensor rows = arange(x.shape[0]).unsqueeze(1) * _modules + _chosen;
        return Summed(every.index_select(0, rows.flatten()));
    }

    // The choices in order of their modules, the modules in use and their counts.
    private (Tensor Order, Tensor Used, Tensor Counts) Sorted()
    {
        Tensor flat = _chosen.flatten(), order = flat.argsort();
        (Tensor used, _, Tensor? counts) = flat.index_select(0, order).unique_consecutive(return_counts: true);
        return (order, used, counts!);
    }

    private Tensor RowsOf(Tensor order) => _choose == 1 ? order : order.floor_divide(_choose);

    private Tensor Unsorted(Tensor outputs, Tensor order)
    {
        Tensor place = empty_like(order);
        place.index_copy_(0, order, arange(order.shape[0]));
        return Summed(outputs.index_select(0, place));
    }

    private Tensor Summed(Tensor each) => _choose == 1 ? each : each.view(-1, _choose, _width).sum(1);

    private static JsonArray Flat(Tensor values) =>
        new([.. values.detach().flatten().data<float>().ToArray().Select(v => JsonValue.Create(v))]);
}
