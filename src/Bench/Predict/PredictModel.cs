using System.Text.Json.Nodes;
using ModNet.Runtime;
using static TorchSharp.torch;

namespace ModNet.Bench;

/// <summary>A network that only answers: a linear layer, a modular one of K of M linear modules, a softmax; and questions of 1 and of many rows.</summary>
public sealed class PredictModel : IDisposable
{
    private readonly RandomStreams _streams = new(1);
    private readonly Dictionary<int, Tensor> _questions = [];
    private readonly Dictionary<int, (float[] X, float[] Y)> _arrays = [];

    /// <summary>All from one seed.</summary>
    public PredictModel(PredictSizes sizes)
    {
        Sizes = sizes;
        Graph = NetworkText.Compile("predict", sizes.Layers(), _streams);
        Graph.eval();
        Predictor = Predictor.Of(Graph, new ModeSelector(), [sizes.Width]);
        foreach (int rows in sizes.Batches)
        {
            Tensor x = randn(new long[] { rows, sizes.Width }, generator: _streams.Data).DetachFromDisposeScope();
            _questions[rows] = x;
            _arrays[rows] = (TensorArrays.Vector<float>(x), new float[rows * sizes.Classes]);
        }
    }

    /// <summary>The sizes in force.</summary>
    public PredictSizes Sizes { get; }

    /// <summary>The network.</summary>
    public Graph Graph { get; }

    /// <summary>The same without libtorch's tensors.</summary>
    public Predictor Predictor { get; }

    /// <summary>Asks the predictor; what it said stays until it is asked again.</summary>
    public float[] Ask(int rows, int threads)
    {
        (float[] x, float[] y) = _arrays[rows];
        Predictor.Run(x, y, threads: threads);
        return y;
    }

    /// <summary>Asks the graph, by way of tensors.</summary>
    public void AskGraph(int rows) => Graph.InEvaluation(() =>
    {
        using var scope = NewDisposeScope();
        return Graph.Head.LogProbabilities(Graph.Forward(_questions[rows], new ModeSelector()).Features)!.exp().shape[0];
    });

    /// <summary>Has the peer make the same. Its variants, by number of rows.</summary>
    public JsonObject OpenPeer(Peer peer)
    {
        using var file = new TensorFile();
        using var scope = NewDisposeScope();
        var layer = (ModularLayer)Graph.Nodes[^1];
        var pool = (StackedPool)layer.Pools.Single();
        var controller = (LogitController)layer.Controllers.Single();
        var told = new Dictionary<string, Tensor>
        {
            ["modules.weight"] = pool.Weight,
            ["modules.bias"] = pool.Bias!,
            ["controller.weight"] = controller.Weight,
            ["controller.bias"] = controller.Bias,
        };
        foreach ((string prefix, var part) in new (string, nn.Module)[] { ("first", Graph.Nodes[0]), ("head", Graph.Head) })
        {
            foreach ((string name, var parameter) in part.named_parameters())
            {
                told[$"{prefix}.{name}"] = parameter;
            }
        }

        foreach ((int rows, Tensor x) in _questions)
        {
            told[$"x.{rows}"] = x;
        }

        Safetensors.Write(file.Path, told);
        JsonObject open = Sizes.ToJson();
        open["model"] = "predict";
        open["file"] = file.Path;
        return peer.Ask("open", open).AsObject();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor x in _questions.Values)
        {
            x.Dispose();
        }

        Graph.Dispose();
        _streams.Dispose();
    }
}
