using System.Text.Json.Nodes;
using ModNet.Runtime;
using static TorchSharp.torch;

namespace ModNet.Bench;

/// <summary>The language model, compiled from its declaration, in training by Viterbi EM; all from one seed.</summary>
public sealed class PtbModel : IDisposable
{
    private const long Seed = 1;
    private readonly RandomStreams _streams = new(Seed);

    /// <summary>On a text, or on made-up words where there is none.</summary>
    public PtbModel(PtbSizes sizes, string? text)
    {
        (Data, Sizes) = text is null ? (PtbData.Synthetic(sizes, Seed), sizes) : PtbData.Read(text, sizes);
        Graph = NetworkText.Compile("ptb-em-5-1", Layers(Sizes), _streams);
        Em = new(Graph, Data, new(Sizes.Samples, Sizes.MSteps, Sizes.Batch, Sizes.Batch, Sizes.Rate), _streams);
    }

    /// <summary>What it is trained on.</summary>
    public Dataset Data { get; }

    /// <summary>The sizes in force.</summary>
    public PtbSizes Sizes { get; }

    /// <summary>The network.</summary>
    public Graph Graph { get; }

    /// <summary>Its training.</summary>
    public ViterbiEm Em { get; }

    /// <summary>An E-step and its M-steps.</summary>
    public void Round()
    {
        Em.EStep();
        for (int i = 0; i < Sizes.MSteps; i++)
        {
            Em.MStep();
        }
    }

    /// <summary>The parameter that the peer knows by this name.</summary>
    public Tensor Parameter(string name)
    {
        string ending = name switch
        {
            "gate_weight" or "gate_bias" => $".{name}",
            "controller_weight" => ".controller.weight",
            "controller_bias" => ".controller.bias",
            "head_weight" => "head.weight",
            "head_bias" => "head.bias",
            "module_weight" => ".weight",
            "module_bias" => ".bias",
            "embedding" => ".weight",
            _ => throw new ArgumentException($"ptb: expected a parameter's name, got {name}"),
        };
        bool OfPool(string full) => full.StartsWith("pools.", StringComparison.Ordinal);
        bool OfHead(string full) => full.StartsWith("head.", StringComparison.Ordinal);
        return Graph.named_parameters()
            .Where(p => p.name.EndsWith(ending, StringComparison.Ordinal)
                && OfPool(p.name) == name.StartsWith("module", StringComparison.Ordinal)
                && OfHead(p.name) == name.StartsWith("head", StringComparison.Ordinal))
            .First(p => name != "embedding" || !p.name.Contains(".controller.", StringComparison.Ordinal)).parameter;
    }

    /// <summary>The names by which the peer knows parameters.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "embedding", "gate_weight", "gate_bias", "controller_weight", "controller_bias", "module_weight", "module_bias",
        "head_weight", "head_bias",
    ];

    /// <summary>Has the peer make the same: data, weights and a* as they are now. Its variants, by part.</summary>
    public JsonObject OpenPeer(Peer peer)
    {
        using var file = new TensorFile();
        using var scope = NewDisposeScope();
        var told = Names.ToDictionary(name => name, Parameter);
        told["inputs"] = Data.Inputs;
        told["targets"] = Data.Targets;
        told["assignments"] = Em.Assignments.ToTensor();
        Safetensors.Write(file.Path, told);
        return peer.Ask("open", new()
        {
            ["model"] = "ptb",
            ["file"] = file.Path,
            ["choose"] = Sizes.Choose,
            ["samples"] = Sizes.Samples,
            ["m_steps"] = Sizes.MSteps,
            ["batch"] = Sizes.Batch,
            ["rate"] = Sizes.Rate,
            ["seed"] = Seed,
        }).AsObject();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Em.Dispose();
        Graph.Dispose();
        Data.Dispose();
        _streams.Dispose();
    }

    /// <summary>The network's layers, as its JSON has them.</summary>
    internal static JsonArray Layers(PtbSizes sizes) => new(
        NetworkText.Kind("tokens", ("vocabulary", sizes.Vocabulary)),
        NetworkText.Kind("embed", ("width", sizes.Embed)),
        new JsonObject
        {
            ["kind"] = "modular_gru",
            ["hidden"] = sizes.Hidden,
            ["candidate"] = NetworkText.Modular(
                sizes.Modules, NetworkText.Linear(sizes.Hidden, "relu"), sizes.Choose, "sum", "uniform"),
        },
        NetworkText.Kind("softmax", ("classes", sizes.Vocabulary)));
}
