using System.Runtime.InteropServices;

namespace ModNet.Runtime;

/// <summary>
/// Keeps libtorch's scalars for a while after the garbage collector has given them up. TorchSharp passes the address of a scalar, such as
/// the 2 in <c>2 * x</c> and the hidden 1 in <c>x + y</c>, to an operator, and nothing holds the scalar any more while the operator reads
/// it. A collection that another thread causes in this moment frees it, so that the operator fails or, worse, computes with another number.
/// </summary>
/// <remarks>
/// The fault is TorchSharp's (version 0.107.0): its calls lack <c>GC.KeepAlive</c>. Without this class, runs of 24 steps beside a thread
/// that collects garbage failed in about every third process. Tensors have the same fault where no dispose scope holds them; ModNet's runs
/// hold all of theirs.
/// </remarks>
internal static unsafe partial class LateScalars
{
    /// <summary>How long a scalar is kept, in milliseconds. An operator reads its scalar within microseconds, unless its thread has to wait.</summary>
    private const long Kept = 2000;

    private const string Name = "THSTorch_dispose_scalar";

    private static readonly Lock Gate = new();
    private static readonly Queue<(nint Scalar, long At)> Waiting = [];
    private static delegate* unmanaged<nint, void> delete;

    /// <summary>
    /// Makes TorchSharp's native library hand over each scalar that it is to free: its function for this is overwritten by a jump to
    /// <see cref="Free"/>. It has to be called before the first scalar is made. Where the system forbids it, all stays as it was.
    /// </summary>
    /// <param name="binding">The handle of TorchSharp's native library.</param>
    internal static void Keep(nint binding)
    {
        if (!OperatingSystem.IsLinux()
            || RuntimeInformation.ProcessArchitecture != System.Runtime.InteropServices.Architecture.X64
            || !NativeLibrary.TryGetExport(binding, Name, out nint function)
            // C++'s operator delete, by which the function frees a number.
            || !NativeLibrary.TryGetExport(binding, "_ZdlPv", out nint freeing))
        {
            return;
        }

        delete = (delegate* unmanaged<nint, void>)freeing;
        delegate* unmanaged<nint, void> free = &Free;

        // mov rax, free; jmp rax
        Span<byte> jump = [0x48, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xE0];
        MemoryMarshal.Write(jump[2..], (long)free);
        nint page = Environment.SystemPageSize;
        nint start = function & -page;
        nint length = function + jump.Length - start;
        if (Protect(start, length, Read | Write | Execute) == 0)
        {
            jump.CopyTo(new Span<byte>((void*)function, jump.Length));
            _ = Protect(start, length, Read | Execute);
        }
    }

    [UnmanagedCallersOnly]
    private static void Free(nint scalar)
    {
        long now = Environment.TickCount64;
        lock (Gate)
        {
            Waiting.Enqueue((scalar, now));
            while (Waiting.Peek().At < now - Kept)
            {
                delete(Waiting.Dequeue().Scalar);
            }
        }
    }

    // sys/mman.h
    private const int Read = 1;
    private const int Write = 2;
    private const int Execute = 4;

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nint length, int protection);
}
