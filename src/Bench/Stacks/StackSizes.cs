using System.Text.Json.Nodes;

namespace ModNet.Bench;

/// <summary>A stack of modular layers, each of one of M linear modules, and its E-step.</summary>
/// <param name="Sites">L, the number of modular layers.</param>
/// <param name="Modules">M of each.</param>
/// <param name="Width">The width of inputs and modules.</param>
/// <param name="Classes">Of the head.</param>
/// <param name="Samples">S, the number of candidates with a*.</param>
/// <param name="Batch">The datapoints of an E-step.</param>
public sealed record StackSizes(int Sites, int Modules, int Width, int Classes, int Samples, int Batch)
{
    /// <summary>What results are taken with.</summary>
    public static StackSizes Full { get; } = new(6, 8, 256, 10, 10, 512);

    /// <summary>For tests.</summary>
    public static StackSizes Tiny { get; } = new(2, 3, 4, 3, 3, 8);

    /// <summary>The network, declared.</summary>
    public JsonArray Layers()
    {
        JsonObject Site()
        {
            JsonObject layer = NetworkText.Modular(Modules, NetworkText.Linear(Width, "relu"), 1, "sum", "he");
            layer["kind"] = "modular";
            return layer;
        }

        return
        [
            NetworkText.Kind("features", ("width", Width)),
            .. Enumerable.Range(0, Sites).Select(_ => Site()),
            NetworkText.Kind("softmax", ("classes", Classes)),
        ];
    }
}
