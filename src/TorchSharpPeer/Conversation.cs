using System.Diagnostics;
using System.Text.Json.Nodes;
using TorchSharp;

namespace ModNet.TorchSharpPeer;

/// <summary>
/// A JSON object a line is asked, one is answered: {"answer": …} or {"error": "…"}; the same words as the Python peer's
/// (src/Bench/peer/peer.py).
/// </summary>
internal sealed class Conversation : IDisposable
{
    private IModel? _model;

    /// <summary>With so many threads.</summary>
    internal Conversation(int threads) => torch.set_num_threads(threads);

    private IModel Model => _model ?? throw new InvalidOperationException("no model is open");

    /// <summary>What to say to a line.</summary>
    internal string Answer(string line)
    {
        try
        {
            JsonObject told = JsonNode.Parse(line)!.AsObject();
            return new JsonObject { ["answer"] = Do(told["do"]!.GetValue<string>(), told) }.ToJsonString();
        }
        catch (Exception failure)
        {
            return new JsonObject { ["error"] = $"{failure.GetType().Name}: {FirstLine(failure.Message)}" }.ToJsonString();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _model?.Dispose();

    // libtorch's messages go on with its own stack.
    private static string FirstLine(string message) => message.Split('\n', 2)[0];

    private JsonNode? Do(string what, JsonObject told)
    {
        switch (what)
        {
            case "about":
                return $"{typeof(torch).Assembly.GetName().Version!.ToString(3)} on libtorch {Version.Parse(torch.__version__).ToString(3)}, {torch.get_num_threads()} threads";
            case "open":
                Close();
                _model = Open(told);
                return _model.Variants();
            case "close":
                Close();
                return true;
            case "time":
                long start = Stopwatch.GetTimestamp();
                Run(told);
                return Stopwatch.GetElapsedTime(start).TotalSeconds;
            case "memory":
                return MemoryGrowth.During(() => Run(told));
            case "values":
                return Model.Values(told["rows"]?.GetValue<int>() ?? 0);
            default:
                throw new ArgumentException($"expected about, open, close, time, memory or values, got {what}");
        }
    }

    private void Run(JsonObject told) =>
        Model.Run(told["part"]!.GetValue<string>(), told["variant"]!.GetValue<string>(), told["calls"]!.GetValue<int>());

    private void Close()
    {
        _model?.Dispose();
        _model = null;
    }

    private static IModel Open(JsonObject told) => told["model"]!.GetValue<string>() switch
    {
        "ptb" => new Ptb(told),
        "cifar" => new Cifar(told),
        "layer" => new Layer(told),
        "predict" => new Predict(told),
        string other => throw new ArgumentException($"expected ptb, cifar, layer or predict, got {other}"),
    };
}
