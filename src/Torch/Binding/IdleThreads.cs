using System.Runtime.InteropServices;

namespace ModNet.Torch;

/// <summary>
/// Has the threads of OpenMP and OpenBLAS wait for work asleep. By themselves they spin after each operator, OpenBLAS's for some 25 ms, and
/// take the cores from our kernels' threads, and from whatever else is at work: a modular layer after a dense one, both on all cores, took
/// 22 ms instead of 14.
/// </summary>
internal static partial class IdleThreads
{
    // Spinning ends after 2^18 cycles, a tenth of a millisecond: between one operator and the next threads stay awake.
    private const string CyclesExponent = "18";

    /// <summary>To be said before these libraries are loaded, since they read it then. The environment's own word goes first.</summary>
    internal static void Sleep()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        // .NET keeps a copy of the environment; libraries read the real one.
        SetVariable("OMP_WAIT_POLICY", "passive", 0);
        SetVariable("OPENBLAS_THREAD_TIMEOUT", CyclesExponent, 0);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
