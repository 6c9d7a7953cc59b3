using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A run's log as TensorBoard reads it, in <c>tensorboard/</c> in the run's folder: a scalar <c>METRIC/PHASE</c> for every number. It follows
/// <c>metrics.jsonl</c>: where a run goes on, its events are written anew from the lines that are kept, so no step stands there twice.
/// </summary>
public sealed class TensorBoardLog(string folder)
{
    /// <summary>The name of its folder in a run's folder.</summary>
    public const string FolderName = "tensorboard";

    private const string Events = "events.out.tfevents.*";

    private readonly string _path = Path.Combine(folder, FolderName);
    private TorchSharp.Modules.SummaryWriter? _writer;
    private DateTimeOffset _began;

    /// <summary>The files of events in a run's folder.</summary>
    internal static string[] FilesIn(string folder) =>
        Directory.Exists(Path.Combine(folder, FolderName)) ? Directory.GetFiles(Path.Combine(folder, FolderName), Events) : [];

    /// <summary>Adds a line that the run has just logged. UserException where the disk refuses.</summary>
    public void Add(MetricsLine line)
    {
        try
        {
            if (_writer is null)
            {
                Begin(line);
            }

            Write(line);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw WholeFile.Refused(_path, e, "see to it, then go on with --resume: checkpoints are as they were");
        }
    }

    private void Begin(MetricsLine first)
    {
        foreach (string old in FilesIn(folder))
        {
            File.Delete(old);
        }

        _began = DateTimeOffset.UtcNow - TimeSpan.FromSeconds(first.Seconds);
        _writer = utils.tensorboard.SummaryWriter(_path);
        foreach (MetricsLine earlier in MetricsLog.OfFolder(folder).Lines.Where(line => (line.Step, line.Phase) != (first.Step, first.Phase)))
        {
            Write(earlier);
        }
    }

    private void Write(MetricsLine line)
    {
        long time = (_began + TimeSpan.FromSeconds(line.Seconds)).ToUnixTimeSeconds();
        foreach ((string name, double value) in line.Values)
        {
            _writer!.add_scalar($"{name}/{line.Phase}", (float)value, checked((int)line.Step), time);
        }
    }
}
