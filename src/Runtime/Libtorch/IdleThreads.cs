using System.Runtime.InteropServices;

namespace ModNet.Runtime;

/// <summary>
/// Makes the threads of OpenMP, on which libtorch's operators run, fall asleep soon after each operator. By default they spin for
/// milliseconds and take the cores from our kernels' threads and from other processes. If they slept at once, they would have to be woken
/// for each small operator of a sequence, which can take longer than the operator.
/// </summary>
/// <remarks>
/// Measured with two threads on two cores (Sapphire Rapids, AVX-512), three interleaved rounds, medians for threads that sleep at once, for this count and for ten times the
/// count: a round of EM on modular convolutions took 102, 106 and 126 ms, its E-step 15.5, 13.4 and 16.3 ms, an M-step 4.2, 3.8 and 4.7 ms; a round of EM on the language
/// model took 585, 527 and 559 ms.
/// </remarks>
internal static class IdleThreads
{
    // Turns of libgomp's waiting loop; so many take some microseconds.
    private const string Spins = "1000";

    /// <summary>The environment variables that tell libgomp and other runtimes of OpenMP.</summary>
    internal static IReadOnlyList<(string Name, string Value)> Variables { get; } =
        [("OMP_WAIT_POLICY", "passive"), ("GOMP_SPINCOUNT", Spins)];

    /// <summary>Sets the variables, unless the environment sets one of them. It has to be called before the libraries load, which read them then.</summary>
    internal static void Sleep()
    {
        if (OperatingSystem.IsWindows() || Variables.Any(v => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(v.Name))))
        {
            return;
        }

        foreach ((string name, string value) in Variables)
        {
            NativeEnvironment.Set(name, value, overwrite: false);
        }
    }
}

/// <summary>Sets environment variables for native libraries; .NET itself changes only a copy of its own.</summary>
internal static partial class NativeEnvironment
{
    /// <summary>Sets a variable; one that is already set is changed only with <paramref name="overwrite"/>. It does not work on Windows.</summary>
    internal static void Set(string name, string value, bool overwrite) => SetVariable(name, value, overwrite ? 1 : 0);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
