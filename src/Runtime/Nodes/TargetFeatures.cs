using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>How a layer reads targets: classes as vectors that are 1 at the class and 0 elsewhere, numbers as they are.</summary>
/// <param name="Width">The number of classes, or of numbers.</param>
/// <param name="AreClasses">Whether targets are classes.</param>
public sealed record TargetFeatures(int Width, bool AreClasses)
{
    /// <summary>Targets [B], [B, D] or [B, T] as features [B, width], or [B, T, width] where x [B, T, …] is a sequence, of x's type.</summary>
    internal Tensor Of(Tensor targets, Tensor x)
    {
        Tensor features = AreClasses ? nn.functional.one_hot(targets, Width) : targets.reshape(targets.shape[0], -1);
        features = features.to_type(x.dtype);
        return x.dim() == 3 && features.dim() == 2 ? features.unsqueeze(1).expand(-1, x.shape[1], -1) : features;
    }
}
