using System.Runtime.InteropServices;

namespace ModNet.Runtime;

/// <summary>
/// Makes libtorch print errors only. Otherwise it prints a line at every convolution on a processor that NNPACK, a library inside it,
/// does not know.
/// </summary>
internal static unsafe class QuietLog
{
    private const string Name = "TORCH_CPP_LOG_LEVEL";

    /// <summary>Makes libtorch read its level of logging from the environment, where another level may be set.</summary>
    /// <param name="library">The handle of a loaded library that needs libtorch's.</param>
    internal static void Read(nint library)
    {
        // c10::initLogging(), which only Python calls otherwise
        if (OperatingSystem.IsLinux() && NativeLibrary.TryGetExport(library, "_ZN3c1011initLoggingEv", out nint function))
        {
            NativeEnvironment.Set(Name, "ERROR", overwrite: false);
            ((delegate* unmanaged<void>)function)();
        }
    }
}
