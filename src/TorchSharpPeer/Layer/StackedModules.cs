using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.TorchSharpPeer;

/// <summary>M linear modules as one tensor: weight [M, out, in], bias [M, out].</summary>
internal sealed class StackedModules
{
    /// <summary>Initialised as M separate layers would be.</summary>
    internal StackedModules(long modules, long width)
    {
        double bound = 1 / Math.Sqrt(width);
        Weight = new(empty(modules, width, width).uniform_(-bound, bound));
        Bias = new(empty(modules, width).uniform_(-bound, bound));
    }

    /// <summary>[M, out, in].</summary>
    internal Parameter Weight { get; }

    /// <summary>[M, out].</summary>
    internal Parameter Bias { get; }
}
