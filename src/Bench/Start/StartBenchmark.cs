using System.Diagnostics;
using System.Text.Json.Nodes;
using ModNet.Runtime;

namespace ModNet.Bench;

/// <summary>
/// How long a user waits for a command: from its first letter to its end, <c>./modnet</c> itself included, with the script compiled before and with F# Interactive.
/// </summary>
public static class StartBenchmark
{
    private const string Scripts = "MODNET_SCRIPTS";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static string Root => Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", ".."));

    /// <summary>The help, <c>check</c>, and <c>train</c> of a single step, which writes a report as well.</summary>
    public static IEnumerable<BenchCase> Run(BenchSettings settings, IReadOnlyList<Peer> peers)
    {
        string folder = Directory.CreateTempSubdirectory("modnet-start-").FullName;
        try
        {
            yield return Case(settings, folder, "--version", [], null);
            if (!settings.Tiny)
            {
                string toy = Path.Combine(Root, "notebooks", "toy.fsx"), run = Path.Combine(folder, "run");
                Compile(settings, folder, toy);
                yield return Case(settings, folder, "check", [toy], new Goal(AtLeast: false, 1.5));
                yield return Case(settings, folder, "train", [toy, "--steps", "1", "--overwrite", "--out", run], new Goal(AtLeast: false, 2.5));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // The first run has the script compiled, after its end.
    private static void Compile(BenchSettings settings, string folder, string script)
    {
        settings.Say("having the script compiled");
        Modnet(folder, ["check", script]);
        long start = Stopwatch.GetTimestamp();
        while (!Directory.EnumerateFiles(folder, "script.dll", SearchOption.AllDirectories).Any(p => !Path.GetDirectoryName(p)!.Contains('.')))
        {
            if (Stopwatch.GetElapsedTime(start) > Patience)
            {
                throw new UserException("bench start", "a compiled script in " + folder, "none after three minutes", "see that dotnet --version answers here");
            }

            settings.Stop.WaitHandle.WaitOne(100);
            settings.Stop.ThrowIfCancellationRequested();
        }
    }

    private static BenchCase Case(BenchSettings settings, string folder, string verb, string[] words, Goal? seconds)
    {
        string[] all = [verb, .. words];
        Contender[] contenders = words.Length == 0
            ? [Contender.Here("ModNet", () => Modnet(folder, all))]
            : [Contender.Here("compiled before", () => Modnet(folder, all)), Contender.Here("F# Interactive", () => Modnet("off", all))];
        IReadOnlyList<Timing> timings = Interleaved.Measure(contenders, settings.Pace, settings.Say, settings.Stop);
        var facts = new JsonObject();
        if (seconds is not null)
        {
            facts["seconds_asked_for"] = seconds.ToString();
        }

        return new(verb, timings, [.. timings.Skip(1).Select(t => Ratio.Of($"{t.Name} / {timings[0].Name}", t, timings[0]))], facts);
    }

    private static void Modnet(string scripts, string[] words)
    {
        string modnet = Path.Combine(Root, "modnet");
        var start = new ProcessStartInfo(modnet, words) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[Scripts] = scripts;
        using Process running = Process.Start(start)!;
        Task<string> errors = running.StandardError.ReadToEndAsync();
        running.StandardOutput.ReadToEnd();
        running.WaitForExit();
        if (running.ExitCode != 0)
        {
            throw new UserException($"modnet {string.Join(' ', words)}", "exit code 0", $"{running.ExitCode}: {errors.Result.Trim()}", "run it by itself");
        }
    }
}
