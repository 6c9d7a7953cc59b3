using System.Diagnostics;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>How long to train and when to look.</summary>
/// <param name="Steps">Gradient steps in all.</param>
/// <param name="LogEvery">A line of metrics every so many gradient steps.</param>
/// <param name="ValidateEvery">Held-out sets are evaluated every so many gradient steps.</param>
/// <param name="CheckpointEvery">A checkpoint is written every so many gradient steps.</param>
/// <param name="EvaluationBatch">Datapoints at once in evaluation.</param>
/// <param name="KeepCheckpoints">How many checkpoints stay in the folder, the newest among them, ≥ 1.</param>
public sealed record TrainingPlan(
    long Steps, long LogEvery, long ValidateEvery, long CheckpointEvery, long EvaluationBatch = 128, int KeepCheckpoints = 2);

/// <summary>What a training run came to.</summary>
/// <param name="Steps">Gradient steps taken; fewer than planned if it was stopped.</param>
/// <param name="Seconds">Time spent, evaluation included.</param>
/// <param name="Final">The last line of each phase.</param>
public sealed record TrainingOutcome(long Steps, double Seconds, IReadOnlyDictionary<string, MetricsLine> Final);

/// <summary>Where a run is: the newest line, and the speed since the last one.</summary>
public sealed record Progress(MetricsLine Line, long Steps, double StepsPerSecond, TimeSpan Remaining);

/// <summary>Drives a training method: its steps, with metrics, evaluation, checkpoints and a clean stop.</summary>
public sealed class Trainer(
    Graph graph, TrainingMethod method, DataSplits data, TrainingPlan plan, RunFolder folder, RandomStreams streams, Device device,
    RoutingRecorder? routing = null)
{
    private readonly Stopwatch _clock = new();
    private double _before;
    private readonly Dictionary<string, MetricsLine> _final = new(StringComparer.Ordinal);
    private (long Step, double Seconds) _start;
    private (long Step, double Seconds) _last;

    /// <summary>Told, a line each, what the user should know beside progress.</summary>
    public Action<string> Say { get; init; } = Console.Error.WriteLine;

    /// <summary>
    /// Trains to the end of the plan, or to the end of the step in which <paramref name="stop"/> is asked for; evaluates and
    /// writes a checkpoint at the end either way. With <paramref name="resume"/> it goes on from the folder's checkpoint.
    /// </summary>
    /// <exception cref="UserException">
    /// Data, a loss, a gradient or a parameter is not finite: what and where, and the last good checkpoint, which stays; or the
    /// folder cannot be written.
    /// </exception>
    public TrainingOutcome Run(Action<Progress> report, CancellationToken stop, bool resume = false)
    {
        foreach ((string name, IReadOnlyList<Dataset> parts) in new[] { ("validation", data.Validation), ("test", data.Test) })
        {
            foreach (Dataset part in parts)
            {
                Finiteness.Demand(part, name);
            }
        }

        try
        {
            return Go(report, stop, resume);
        }
        catch (NonFiniteException wrong)
        {
            throw new UserException(
                $"{wrong.Message} – lower the learning rate, or look at this layer's input; nothing of this step is kept: "
                + Checkpoint.LastIn(folder.Path));
        }
    }

    private TrainingOutcome Go(Action<Progress> report, CancellationToken stop, bool resume)
    {
        long step = 0;
        if (resume)
        {
            (step, _before) = Checkpoint.Resume(folder, graph, method, streams, Say);
            foreach (MetricsLine line in folder.Metrics())
            {
                _final[line.Phase] = line;
            }

            _last = (step, _before);
            _start = _last;
            _clock.Start();
        }
        else
        {
            _clock.Start();
            method.Begin();
            Evaluate(0, report);
            routing?.During(0);
        }

        while (step < plan.Steps && !stop.IsCancellationRequested)
        {
            step++;
            if (step % plan.LogEvery == 0 || step == plan.Steps)
            {
                Log(step, method.StepAndReport(), report);
            }
            else
            {
                method.Step();
            }

            if (step % plan.ValidateEvery == 0 && step < plan.Steps)
            {
                Evaluate(step, report);
            }

            routing?.During(step);
            if (step % plan.CheckpointEvery == 0 && step < plan.Steps)
            {
                Save(step);
            }
        }

        // A run that is stopped resumes from before this evaluation, which one that goes on would not have made.
        if (step < plan.Steps)
        {
            Save(step);
        }

        Evaluate(step, report);
        if (step >= plan.Steps)
        {
            Save(step);
        }

        routing?.AtEnd(step);
        return new(step, Seconds, _final);
    }

    private double Seconds => _before + _clock.Elapsed.TotalSeconds;

    private void Save(long step)
    {
        method.DemandFiniteParameters();
        Checkpoint.Write(folder, graph, method, streams, step, Seconds, plan.KeepCheckpoints);
    }

    private void Log(long step, StepResult seen, Action<Progress> report) =>
        Emit(report, step, new("train", seen.LogLikelihood, seen.Statistics, seen.Score)
        {
            Loss = seen.Loss,
            Perplexity = Perplexity(Math.Exp(-seen.LogLikelihood / data.Train.OutputsPerDatapoint)),
            Reassigned = method.Reassigned,
        });

    private void Evaluate(long step, Action<Progress> report)
    {
        foreach ((string phase, IReadOnlyList<Dataset> parts) in new[] { ("validation", data.Validation), ("test", data.Test) })
        {
            if (parts.Count == 0)
            {
                continue;
            }

            Evaluation seen = Evaluation.Of(graph, parts, plan.EvaluationBatch, device, method.Evaluating);
            Emit(report, step, new(phase, seen.LogLikelihood, seen.Statistics, seen.Score) { Perplexity = Perplexity(seen.Perplexity) });
        }
    }

    // Text is judged by perplexity; where a datapoint has one class, accuracy says more.
    private double? Perplexity(double value) => graph.Head is CategoricalHead && data.Train.IsSequence ? value : null;

    private void Emit(Action<Progress> report, long step, Observation seen)
    {
        MetricsLine line = (seen with
        {
            HasEntropies = graph.HasSites && method.ReadsControllers,
            HasPools = graph.Pools.Count > 0,
            Seconds = Seconds,
        }).At(step);
        folder.Append(line);
        _final[line.Phase] = line;
        double rate = (line.Step - _last.Step) / Math.Max(1e-9, line.Seconds - _last.Seconds);
        if (line.Phase == "train")
        {
            _last = (line.Step, line.Seconds);
        }

        // The estimate takes the run's whole rate, in which E-steps and evaluations have their share.
        double perStep = line.Step > _start.Step ? (line.Seconds - _start.Seconds) / (line.Step - _start.Step) : 0;
        report(new(line, plan.Steps, rate, TimeSpan.FromSeconds(perStep * (plan.Steps - line.Step))));
    }
}
