using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using ModNet.Runtime;

namespace ModNet.Bench;

/// <summary>
/// By how much E-steps make a process grow, above a model and data that are there already. A process that has run something before has
/// memory left from it, so a new one is started.
/// </summary>
public static class EStepMemory
{
    /// <summary>What starts this program for it.</summary>
    public const string Verb = "e-step-memory";

    /// <summary>E-steps, all of them counted: the first one of a process as well.</summary>
    public const int Steps = 3;

    /// <summary>Bytes; null where the system cannot tell.</summary>
    public static long? InFreshProcess(BenchSettings settings)
    {
        ProcessStartInfo start = DotnetHost.Start(
            [Assembly.GetExecutingAssembly().Location, Verb, $"{settings.Threads}", $"{settings.Tiny}", settings.Data ?? ""]);
        start.RedirectStandardOutput = true;
        using Process process = Process.Start(start)!;
        using CancellationTokenRegistration end = settings.Stop.Register(process.Kill);
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        settings.Stop.ThrowIfCancellationRequested();
        return process.ExitCode == 0
            ? long.TryParse(said, CultureInfo.InvariantCulture, out long bytes) ? bytes : null
            : throw new UserException($"the process that measures memory ended with code {process.ExitCode}");
    }

    /// <summary>The same in this process, told by <see cref="InFreshProcess"/>; prints the bytes.</summary>
    public static int Run(string[] words)
    {
        Threading.Use(int.Parse(words[1], CultureInfo.InvariantCulture));
        using var model = new PtbModel(
            bool.Parse(words[2]) ? PtbSizes.Tiny : PtbSizes.Paper, words[3].Length == 0 ? null : words[3]);
        Console.WriteLine(ProcessMemory.PeakGrowth(() =>
        {
            for (int i = 0; i < Steps; i++)
            {
                model.Em.EStep();
            }
        }));
        return 0;
    }
}
