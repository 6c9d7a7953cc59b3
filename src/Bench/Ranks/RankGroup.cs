using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using ModNet.Runtime;

namespace ModNet.Bench;

/// <summary>Ranks that <c>mpirun</c> has started for a benchmark, and that do rounds of work when they are asked.</summary>
public sealed class RankGroup : IDisposable
{
    private readonly Process _process;
    private readonly string _commands = Directory.CreateTempSubdirectory("modnet-ranks-").FullName;
    private readonly CancellationTokenRegistration _end;
    private int _asked;

    private RankGroup(string launcher, int ranks, RankWork work, CancellationToken stop)
    {
        ProcessStartInfo dotnet = DotnetHost.Start([]);
        string[] launch = launcher.EndsWith("mpich", StringComparison.Ordinal) ? ["-n", $"{ranks}"] : ["--allow-run-as-root", "--oversubscribe", "-n", $"{ranks}"];
        var start = new ProcessStartInfo(
            launcher, [.. launch, dotnet.FileName, Assembly.GetExecutingAssembly().Location, RankWork.Verb, JsonSerializer.Serialize(work), _commands])
        {
            RedirectStandardOutput = true,
        };
        // Else .NET greets the terminal that the launcher gives its processes.
        start.Environment["TERM"] = "dumb";
        _process = Process.Start(start)!;
        _end = stop.Register(_process.Kill);
        Library = Said();
    }

    /// <summary>What carries the messages.</summary>
    public string Library { get; }

    /// <summary>How many bytes rank 0 sent for each of the newest rounds.</summary>
    public long BytesPerCall { get; private set; }

    /// <summary>The launcher on the path; null where there is none.</summary>
    public static string? Launcher() => new[] { "mpirun.openmpi", "mpirun", "mpirun.mpich" }.FirstOrDefault(OtherProgram.IsThere);

    /// <summary>Starts ranks and waits until they are ready. UserException where they end instead.</summary>
    public static RankGroup Start(string launcher, int ranks, RankWork work, CancellationToken stop) => new(launcher, ranks, work, stop);

    /// <summary>Does so many rounds, and says how many seconds they took.</summary>
    public double Run(int rounds)
    {
        Ask(rounds);
        string[] said = Said().Split(' ');
        BytesPerCall = long.Parse(said[1], CultureInfo.InvariantCulture);
        return double.Parse(said[0], CultureInfo.InvariantCulture);
    }

    /// <summary>Ends the ranks.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Ask(0);
            _process.WaitForExit();
        }

        _end.Dispose();
        _process.Dispose();
        Directory.Delete(_commands, recursive: true);
    }

    private void Ask(int rounds)
    {
        string path = Path.Combine(_commands, $"{_asked++}");
        File.WriteAllText($"{path}.new", $"{rounds}");
        File.Move($"{path}.new", path);
    }

    private string Said() => _process.StandardOutput.ReadLine()
        ?? throw new UserException("bench ranks", "ranks that work", "ranks that have ended", "see what they said above; ./modnet doctor says which MPI there is");
}
