using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>p(a|x, φ): from a row's own input to K softmaxes over M (paper, section 2).</summary>
public abstract class Controller(string name, int choose, int modules) : nn.Module(name)
{
    /// <summary>K.</summary>
    public int Choose { get; } = choose;

    /// <summary>M.</summary>
    public int Modules { get; } = modules;

    /// <summary>x [B, in] → distributions [B, K, M].</summary>
    public abstract ChoiceDistribution Distribution(Tensor x);
}
