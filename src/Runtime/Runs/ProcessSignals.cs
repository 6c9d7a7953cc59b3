using System.Runtime.InteropServices;

namespace ModNet.Runtime;

/// <summary>Signals to processes, on Linux.</summary>
public static class ProcessSignals
{
    private const int Sigterm = 15;

    /// <summary>
    /// SIGUSR1: a run that gets it ends after its present step, with a checkpoint. MPI launchers pass it on to all ranks, while they turn SIGINT into an end within seconds;
    /// Slurm sends it where a job asks for it (<c>--signal</c>).
    /// </summary>
    public const PosixSignal User1 = (PosixSignal)10;

    /// <summary>Sends SIGTERM to a process, by its number. A run that gets it ends after its present step, with a checkpoint.</summary>
    public static void Terminate(int process) => _ = Send(process, Sigterm);

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Send(int process, int signal);
}
