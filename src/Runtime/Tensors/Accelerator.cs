using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Tells the CPU from other devices. Those work on their own while the host goes on, until the host reads a value back and waits for it. So what the host would decide
/// by values on the CPU is decided otherwise there: this class is what such places ask.
/// </summary>
internal static class Accelerator
{
    [ThreadStatic]
    private static bool assumed;

    /// <summary>Whether the tensor is on a device other than the CPU.</summary>
    internal static bool Holds(Tensor tensor) => assumed || tensor.device_type != DeviceType.CPU;

    /// <summary>Whether it is a device other than the CPU.</summary>
    internal static bool Is(Device device) => assumed || device.type != DeviceType.CPU;

    /// <summary>
    /// Runs <paramref name="body"/> on this thread as on an accelerator, wherever its tensors are. So the ways of accelerators can be compared with those of the CPU, on the CPU.
    /// </summary>
    internal static TResult Assume<TResult>(Func<TResult> body)
    {
        bool before = assumed;
        assumed = true;
        try
        {
            return body();
        }
        finally
        {
            assumed = before;
        }
    }
}
