using System.Text.Json.Nodes;

namespace ModNet.TorchSharpPeer;

/// <summary>Something whose parts are run when they are asked for, each in several variants.</summary>
internal interface IModel : IDisposable
{
    /// <summary>Of every part, the variants' names, the plainest first; or why it has none.</summary>
    JsonObject Variants();

    /// <summary>Does a part so many times.</summary>
    void Run(string part, string variant, int calls);

    /// <summary>For tests: what all variants say of the first rows.</summary>
    JsonObject Values(int rows);
}
