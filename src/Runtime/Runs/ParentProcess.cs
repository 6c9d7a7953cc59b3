using System.Diagnostics;
using System.Globalization;

namespace ModNet.Runtime;

/// <summary>
/// A script runs in a process of its own, which ends with the ./modnet that began it. Where ./modnet is killed, nothing tells its children;
/// so they watch it, and end as Ctrl-C would end them, with a checkpoint.
/// </summary>
public static class ParentProcess
{
    /// <summary>The environment variable in which a process names itself, by its number, to those that it begins.</summary>
    public const string Variable = "MODNET_PARENT";

    private static int _isFollowing;

    /// <summary>
    /// From now on, this process gets SIGTERM when the process that the environment names is gone. Does nothing where none is named, or the
    /// second time.
    /// </summary>
    public static void Follow()
    {
        if (!int.TryParse(Environment.GetEnvironmentVariable(Variable), NumberStyles.None, CultureInfo.InvariantCulture, out int parent)
            || OperatingSystem.IsWindows() || Interlocked.Exchange(ref _isFollowing, 1) == 1)
        {
            return;
        }

        new Thread(() => Watch(parent)) { IsBackground = true, Name = "modnet: parent" }.Start();
    }

    private static void Watch(int parent)
    {
        try
        {
            using Process watched = Process.GetProcessById(parent);
            watched.WaitForExit();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // It was gone already.
        }

        ProcessSignals.Terminate(Environment.ProcessId);
    }
}
