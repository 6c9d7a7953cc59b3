using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Zeros that take memory where something else is written to them: the system gives a page of memory when it is first written. What an optimiser remembers of a
/// million modules so takes the memory of those that were trained.
/// </summary>
internal static partial class ZeroPages
{
    // Below this, pages are not worth a call of the system.
    private const long Least = 1L << 20;

    private const int DontNeed = 4;

    /// <summary>Zeros in the shape, of the type and on the device of another tensor. The caller disposes of them.</summary>
    internal static Tensor Like(Tensor other)
    {
        using var noGrad = no_grad();
        long bytes = other.numel() * other.element_size();
        if (bytes < Least || other.device_type != DeviceType.CPU || !OperatingSystem.IsLinux())
        {
            return zeros(other.shape, other.dtype, other.device).DetachFromDisposeScope();
        }

        Tensor result = empty(other.shape, other.dtype).DetachFromDisposeScope();
        return Emptied(result, bytes) ? result : result.zero_();
    }

    // Gives the pages that lie within the tensor back to the system, which gives zeros in their place; false where it does not.
    private static unsafe bool Emptied(Tensor all, long bytes)
    {
        long page = Environment.SystemPageSize;
        using Tensor flat = all.view(-1);
        byte* start;
        using (Tensor first = flat.narrow(0, 0, 1))
        {
            start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(first.bytes));
        }

        long ahead = (page - (long)start % page) % page;
        long whole = (bytes - ahead) / page * page;
        if (MemoryAdvise(start + ahead, (nuint)whole, DontNeed) != 0)
        {
            return false;
        }

        new Span<byte>(start, (int)ahead).Clear();
        new Span<byte>(start + ahead + whole, (int)(bytes - ahead - whole)).Clear();
        return true;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static unsafe partial int MemoryAdvise(byte* start, nuint length, int advice);
}
