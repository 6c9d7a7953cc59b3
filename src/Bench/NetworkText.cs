using System.Text.Json.Nodes;
using Microsoft.FSharp.Core;
using ModNet.Runtime;

namespace ModNet.Bench;

/// <summary>Networks as the DSL writes them, declared from here: the JSON of their layers.</summary>
public static class NetworkText
{
    /// <summary>A linear layer.</summary>
    public static JsonObject Linear(int width, string? activation) => new()
    {
        ["kind"] = "linear",
        ["width"] = width,
        ["bias"] = true,
        ["activation"] = activation,
    };

    /// <summary>K of M modules, chosen by a linear controller.</summary>
    public static JsonObject Modular(int modules, JsonObject unit, int choose, string combine, string init) => new()
    {
        ["pool"] = new JsonObject
        {
            ["name"] = null,
            ["modules"] = modules,
            ["units"] = new JsonArray(new JsonArray(unit)),
            ["init"] = init,
        },
        ["choose"] = choose,
        ["combine"] = combine,
        ["controller"] = Kind("linear"),
        ["duplicates"] = "every",
        ["stop_gradient"] = false,
        ["dispatch"] = "auto",
    };

    /// <summary>What has a kind and numbers.</summary>
    public static JsonObject Kind(string kind, params (string Name, int Value)[] numbers)
    {
        var layer = new JsonObject { ["kind"] = kind };
        foreach ((string name, int value) in numbers)
        {
            layer[name] = value;
        }

        return layer;
    }

    /// <summary>The network, compiled; all chance from the streams.</summary>
    public static Graph Compile(string name, JsonArray layers, RandomStreams streams)
    {
        var document = new JsonObject
        {
            ["version"] = 2,
            ["network"] = new JsonObject { ["name"] = name, ["layers"] = layers },
        };
        FSharpResult<Network, Diagnostic> read = NetworkModule.of_json(document.ToJsonString());
        return read.IsOk
            ? ModNet.Compile.graph(new Initialiser(streams.Init), streams.Dropout, read.ResultValue)
            : throw new InvalidOperationException($"{read.ErrorValue}");
    }
}
