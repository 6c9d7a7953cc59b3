using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace ModNet.TorchSharpPeer;

/// <summary>
/// What a trained network answers: a linear layer, a layer that runs K of M linear modules, a softmax. The modules are run in the ways in which this is
/// written: <c>fetched</c>, the chosen weights of every row in one batched product; <c>wide</c>, all modules on all rows, then the chosen are picked;
/// <c>loop</c>, rows sorted by module, then one product per module in use.
/// </summary>
internal sealed class Predict : IModel
{
    private static readonly string[] Ways = ["fetched", "wide", "loop"];

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Dictionary<string, Tensor> _told;
    private readonly long _modules;
    private readonly long _choose;

    /// <summary>As it was told.</summary>
    internal Predict(JsonObject told)
    {
        _told = SafetensorsFile.Read(told["file"]!.GetValue<string>()).ToDictionary(t => t.Name, t => t.Value);
        (_modules, _choose) = (told["modules"]!.GetValue<long>(), told["choose"]!.GetValue<long>());
    }

    /// <inheritdoc/>
    public JsonObject Variants() => new(_told.Keys.Where(name => name.StartsWith("x.", StringComparison.Ordinal)).Select(name =>
        KeyValuePair.Create(name[2..], (JsonNode?)new JsonArray([.. Ways.Select(w => JsonValue.Create(w))]))));

    /// <inheritdoc/>
    public void Run(string part, string variant, int calls)
    {
        Tensor x = _told[$"x.{part}"];
        using var inference = inference_mode();
        for (int i = 0; i < calls; i++)
        {
            using var scope = NewDisposeScope();
            Answer(x, variant);
        }
    }

    /// <inheritdoc/>
    public JsonObject Values(int rows)
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        return new(Ways.Select(way => KeyValuePair.Create(
            way,
            (JsonNode?)new JsonArray([.. Answer(_told[$"x.{rows}"], way).flatten().data<float>().ToArray().Select(v => JsonValue.Create(v))]))));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor value in _told.Values)
        {
            value.Dispose();
        }

        _scope.Dispose();
    }

    private Tensor Answer(Tensor x, string way)
    {
        Tensor h = relu(linear(x, _told["first.weight"], _told["first.bias"]));
        Tensor logits = linear(h, _told["controller.weight"], _told["controller.bias"]);
        Tensor chosen = logits.view(-1, _choose, _modules).argmax(2);
        Tensor each = way switch
        {
            "fetched" => Fetched(h, chosen),
            "wide" => Wide(h, chosen),
            "loop" => Loop(h, chosen),
            _ => throw new ArgumentException($"expected fetched, wide or loop, got {way}"),
        };
        return softmax(linear(relu(each).sum(1), _told["head.weight"], _told["head.bias"]), 1);
    }

    private Tensor Fetched(Tensor h, Tensor chosen)
    {
        long rows = h.shape[0];
        Tensor flat = chosen.flatten();
        Tensor weight = _told["modules.weight"].index_select(0, flat).view(rows, -1, h.shape[1]);
        Tensor each = bmm(weight, h.unsqueeze(2)).view(rows, _choose, -1);
        return each + _told["modules.bias"].index_select(0, flat).view(rows, _choose, -1);
    }

    private Tensor Wide(Tensor h, Tensor chosen)
    {
        long rows = h.shape[0];
        Tensor every = linear(h, _told["modules.weight"].flatten(0, 1), _told["modules.bias"].flatten()).view(rows * _modules, -1);
        Tensor places = arange(rows).unsqueeze(1) * _modules + chosen;
        return every.index_select(0, places.flatten()).view(rows, _choose, -1);
    }

    private Tensor Loop(Tensor h, Tensor chosen)
    {
        Tensor weight = _told["modules.weight"], bias = _told["modules.bias"], flat = chosen.flatten();
        Tensor outputs = empty(flat.shape[0], weight.shape[1]);
        foreach (long module in flat.data<long>().Distinct().ToArray())
        {
            Tensor places = flat.eq(module).nonzero().squeeze(1);
            outputs.index_copy_(0, places, linear(h.index_select(0, places.floor_divide(_choose)), weight[module], bias[module]));
        }

        return outputs.view(h.shape[0], _choose, -1);
    }
}
