using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>A network that answers.</summary>
/// <param name="Width">The width of inputs, of the linear layer and of modules.</param>
/// <param name="Modules">M.</param>
/// <param name="Choose">K; outputs are summed.</param>
/// <param name="Classes">Of the softmax.</param>
/// <param name="Batches">How many rows are asked at a time.</param>
public sealed record PredictSizes(int Width, int Modules, int Choose, int Classes, IReadOnlyList<int> Batches)
{
    /// <summary>What results are taken with.</summary>
    public static PredictSizes Full { get; } = new(256, 16, 2, 10, [1, 4096]);

    /// <summary>For tests.</summary>
    public static PredictSizes Tiny { get; } = new(5, 3, 2, 3, [1, 7]);

    /// <summary>Multiply-adds of a row.</summary>
    public long MultiplyAdds => (long)Width * (Width * (1 + Choose) + Modules * Choose + Classes);

    /// <summary>The network, declared.</summary>
    public JsonArray Layers()
    {
        JsonObject modular = NetworkText.Modular(Modules, NetworkText.Linear(Width, "relu"), Choose, "sum", "he");
        modular["kind"] = "modular";
        return
        [
            NetworkText.Kind("features", ("width", Width)),
            NetworkText.Linear(Width, "relu"),
            modular,
            NetworkText.Kind("softmax", ("classes", Classes)),
        ];
    }

    /// <summary>As facts of a result, and for the peer.</summary>
    public JsonObject ToJson() => new()
    {
        ["width"] = Width,
        ["modules"] = Modules,
        ["choose"] = Choose,
        ["classes"] = Classes,
    };
}
