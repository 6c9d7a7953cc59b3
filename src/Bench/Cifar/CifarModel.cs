using System.Text.Json.Nodes;
using ModNet.Runtime;
using static TorchSharp.torch;

namespace ModNet.Bench;

/// <summary>
/// The network of modular convolutions, compiled from its declaration, in training by Viterbi EM on random images, which cost what others
/// do.
/// </summary>
public sealed class CifarModel : IDisposable
{
    private const long Seed = 1;
    private const int Convolutions = 3;
    private readonly RandomStreams _streams = new(Seed);

    /// <summary>All from one seed.</summary>
    public CifarModel(CifarSizes sizes)
    {
        Sizes = sizes;
        Graph = NetworkText.Compile("fig6-linear", Layers(sizes), _streams);
        using (NewDisposeScope())
        {
            Data = new(
                randn(new long[] { sizes.Images, 3, sizes.Side, sizes.Side }, generator: _streams.Data),
                randint(sizes.Classes, new long[] { sizes.Images }, ScalarType.Int64, generator: _streams.Data));
        }

        var settings = new EmSettings(sizes.Samples, sizes.MSteps, sizes.EBatch, sizes.MBatch, sizes.Rate)
        {
            ControllerWeight = sizes.ControllerWeight,
        };
        Em = new(Graph, Data, settings, _streams);
    }

    /// <summary>The sizes in force.</summary>
    public CifarSizes Sizes { get; }

    /// <summary>What it is trained on.</summary>
    public Dataset Data { get; }

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

    /// <summary>Has the peer make the same: data, weights and a* as they are now. Its variants, by part.</summary>
    public JsonObject OpenPeer(Peer peer)
    {
        using var file = new TensorFile();
        using var scope = NewDisposeScope();
        var told = new Dictionary<string, Tensor>
        {
            ["inputs"] = Data.Inputs,
            ["targets"] = Data.Targets,
            ["assignments"] = Em.Assignments.ToTensor(),
        };
        ModularLayer[] layers = [.. Graph.Nodes.OfType<ModularLayer>()];
        for (int i = 0; i < layers.Length; i++)
        {
            var pool = (StackedPool)layers[i].Pools.Single();
            var controller = (LogitController)layers[i].Controllers.Single();
            told[$"{i}.module_weight"] = pool.Weight;
            told[$"{i}.module_bias"] = pool.Bias!;
            told[$"{i}.controller_weight"] = controller.Weight;
            told[$"{i}.controller_bias"] = controller.Bias;
        }

        foreach ((string name, var parameter) in Graph.Head.named_parameters())
        {
            told[$"head.{name}"] = parameter;
        }

        Safetensors.Write(file.Path, told);
        JsonObject open = Sizes.ToJson();
        open["model"] = "cifar";
        open["file"] = file.Path;
        open["seed"] = Seed;
        return peer.Ask("open", open).AsObject();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Em.Dispose();
        Graph.Dispose();
        Data.Dispose();
        _streams.Dispose();
    }

    private static JsonArray Layers(CifarSizes sizes)
    {
        JsonObject Modular(JsonObject unit)
        {
            JsonObject layer = NetworkText.Modular(sizes.Modules, unit, sizes.Choose, "concat", "he");
            layer["kind"] = "modular";
            return layer;
        }

        JsonObject Convolution() => Modular(new()
        {
            ["kind"] = "conv",
            ["channels"] = 1,
            ["kernel"] = 3,
            ["stride"] = 2,
            ["padding"] = 1,
            ["bias"] = true,
            ["activation"] = "relu",
        });

        return
        [
            NetworkText.Kind("image", ("channels", 3), ("height", sizes.Side), ("width", sizes.Side)),
            .. Enumerable.Range(0, Convolutions).Select(_ => Convolution()),
            NetworkText.Kind("flatten"),
            Modular(NetworkText.Linear(sizes.Hidden, "relu")),
            Modular(NetworkText.Linear(sizes.Classes, "relu")),
            NetworkText.Kind("softmax", ("classes", sizes.Classes)),
        ];
    }
}
