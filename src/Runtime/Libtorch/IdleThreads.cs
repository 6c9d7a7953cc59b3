namespace ModNet.Runtime;

/// <summary>
/// Has the threads of OpenMP, on which libtorch's operators run, wait for work asleep. By themselves they spin after each operator and take
/// the cores from our kernels' threads, and from whatever else is at work.
/// </summary>
internal static class IdleThreads
{
    /// <summary>OpenBLAS: spinning ends after 2^18 cycles, a tenth of a millisecond, so that between one operator and the next threads stay awake.</summary>
    internal static IReadOnlyList<(string Name, string Value)> Variables { get; } =
        [("OMP_WAIT_POLICY", "passive"), ("OPENBLAS_THREAD_TIMEOUT", "18")];

    /// <summary>To be said before these libraries are loaded, since they read it then. The environment's own word goes first.</summary>
    internal static void Sleep()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        foreach ((string name, string value) in Variables)
        {
            NativeEnvironment.Set(name, value, overwrite: false);
        }
    }
}
