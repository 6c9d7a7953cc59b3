using TorchSharp;

namespace ModNet.Runtime;

/// <summary>
/// How many tensors are alive in the process. TorchSharp's own count, <see cref="torch.Tensor.TotalCount"/>, grows by one for every undefined
/// gradient that a custom function's backward is given, and never falls again for it; these are counted here and taken off.
/// </summary>
internal static class LiveTensors
{
    private static long undefined;

    /// <summary>Tensors that hold memory or could.</summary>
    internal static long Count => torch.Tensor.TotalCount - Interlocked.Read(ref undefined);

    /// <summary>The gradient itself, or null where it is undefined: then nothing downstream of that output had one.</summary>
    internal static torch.Tensor? Defined(torch.Tensor? gradient)
    {
        if (gradient is null or { IsInvalid: false })
        {
            return gradient;
        }

        Interlocked.Increment(ref undefined);
        return null;
    }
}
