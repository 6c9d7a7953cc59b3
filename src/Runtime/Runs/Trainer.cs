using System.Diagnostics;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>How long a run trains, and how often it looks at what it has.</summary>
/// <param name="Steps">The total number of gradient steps.</param>
/// <param name="LogEvery">A line of metrics is written every so many gradient steps.</param>
/// <param name="ValidateEvery">Held-out sets are evaluated every so many gradient steps.</param>
/// <param name="CheckpointEvery">A checkpoint is written every so many gradient steps.</param>
/// <param name="EvaluationBatch">The number of datapoints that are evaluated at one time.</param>
/// <param name="KeepCheckpoints">How many checkpoints stay in the folder, the newest included; at least 1.</param>
/// <param name="KeepBest">
/// Whether <c>best.safetensors</c> is kept beside them, where there is a validation set: the checkpoint with which it was the most probable.
/// </param>
/// <param name="Patience">
/// Training ends after so many evaluations on end that are no better than the best by the validation set; null trains to the end.
/// </param>
/// <param name="StepsPerEpoch">
/// How many gradient steps go once through the training data, where the length of the run was said in epochs and progress tells them; else null.
/// </param>
public sealed record TrainingPlan(
    long Steps, long LogEvery, long ValidateEvery, long CheckpointEvery, long EvaluationBatch = 128, int KeepCheckpoints = 2,
    bool KeepBest = true, int? Patience = null, long? StepsPerEpoch = null)
{
    /// <summary>
    /// The tasks that training goes through one after the other, as the method has them; null where it has all data at once. Each task's end has an evaluation
    /// and a checkpoint.
    /// </summary>
    public TaskStream? Stream { get; init; }
}

/// <summary>The outcome of a training run.</summary>
/// <param name="Steps">The number of gradient steps taken, which is less than planned if the run was stopped.</param>
/// <param name="Seconds">The time that the run took, evaluation included.</param>
/// <param name="Final">The last line of metrics of each phase.</param>
public sealed record TrainingOutcome(long Steps, double Seconds, IReadOnlyDictionary<string, MetricsLine> Final)
{
    /// <summary>The number of gradient steps that were planned.</summary>
    public long Planned { get; init; }

    /// <summary>The best evaluation by the validation set; null where none is looked for, or has been made yet.</summary>
    public BestEvaluation? Best { get; init; }

    /// <summary>Whether the run is at its end: it has taken all its steps, or <see cref="StoppedEarly"/>.</summary>
    public bool Finished { get; init; }

    /// <summary>Whether the run ended before all its steps were taken, because the validation set got no more probable.</summary>
    public bool StoppedEarly { get; init; }
}

/// <summary>How far a run has come: its newest line of metrics, the planned steps, the speed since the line before, and the time that remains.</summary>
public sealed record Progress(MetricsLine Line, long Steps, double StepsPerSecond, TimeSpan Remaining)
{
    /// <summary>Which epoch the line's step is in, from 1, and how many there are; null where the run's length was not said in epochs.</summary>
    public (long Number, long Of)? Epoch { get; init; }
}

/// <summary>Runs a training method, or a game, to the end of a plan, with metrics, evaluation, checkpoints and a clean stop.</summary>
public sealed class Trainer(
    Graph graph, Training method, DataSplits data, TrainingPlan plan, RunFolder folder, RandomStreams streams, Device device,
    RoutingRecorder? routing = null)
{
    private readonly Stopwatch _clock = new();
    private double _before;
    private readonly Dictionary<string, MetricsLine> _final = new(StringComparer.Ordinal);
    private (long Step, double Seconds) _start;
    private (long Step, double Seconds) _last;
    private BestEvaluation? _best;

    // How many evaluations there were since the best.
    private int _since;

    /// <summary>Is told, line by line, what the user should know beside the progress.</summary>
    public Action<string> Say { get; init; } = line => Console.Error.WriteLine(VisibleText.Lines(line));

    /// <summary>What else all ranks must have in common, such as the experiment, by name.</summary>
    public IReadOnlyList<(string What, string Value)> Agreed { get; init; } = [];

    /// <summary>
    /// Is called when it is certain that the run begins, or goes on, with this experiment and these data. What belongs to the run may be written
    /// into its folder from then on.
    /// </summary>
    public Action Ready { get; init; } = () => { };

    /// <summary>
    /// Trains to the end of the plan, or to the end of the step in which <paramref name="stop"/> is requested. Either way it then evaluates
    /// and writes a checkpoint. With <paramref name="resume"/>, it goes on from the folder's checkpoint; a run that has come to the end of the
    /// plan already is left as it is.
    /// </summary>
    /// <exception cref="UserException">
    /// Data, a loss, a gradient or a parameter is not finite; the message says what and where, and names the last good checkpoint, which stays.
    /// Or the folder cannot be written.
    /// </exception>
    public TrainingOutcome Run(Action<Progress> report, CancellationToken stop, bool resume = false)
    {
        foreach ((string phase, IReadOnlyList<Dataset> parts) in HeldOut)
        {
            foreach (Dataset part in parts)
            {
                Finiteness.Demand(part, phase);
            }
        }

        if (plan.Patience is not null && data.Validation.Count == 0)
        {
            throw new UserException(
                "train/early_stopping", "data with a validation set, by which it stops", "none", "give some, or leave `early_stopping` out");
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
            (step, _before) = Resume();
            IReadOnlyList<MetricsLine> lines = folder.Metrics();
            foreach (MetricsLine line in lines)
            {
                _final[line.Phase] = line;
            }

            _last = (step, _before);
            _start = _last;
            Recall(lines);
            Ready();
            if ((step == plan.Steps || IsPastPatience) && IsEvaluated(step))
            {
                if (graph.Spread.AnySays(!folder.Follows && !File.Exists(folder.PathOf($"{RunFolder.Routing}.safetensors"))))
                {
                    routing?.AtEnd(step);
                }

                return Outcome(step, _before);
            }

            _clock.Start();
        }
        else
        {
            Agree(0);
            Ready();
            _clock.Start();
            method.Begin();
            Evaluate(0, report);
            routing?.During(0);
        }

        while (step < plan.Steps && !IsPastPatience && !(method.IsSettled && method.Ranks.Any(stop.IsCancellationRequested)))
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

            bool endsTask = plan.Stream?.EndsAt(step) ?? false;
            if ((step % plan.ValidateEvery == 0 || endsTask) && step < plan.Steps)
            {
                Evaluate(step, report);
                Consider(step);
            }

            routing?.During(step);
            if ((step % plan.CheckpointEvery == 0 || endsTask) && step < plan.Steps)
            {
                Save(step);
            }
        }

        if (step < plan.Steps)
        {
            // A stopped run resumes from before this evaluation, which an uninterrupted run would not make. One that ran out of patience has
            // just been evaluated.
            Save(step);
            if (!IsPastPatience)
            {
                Evaluate(step, report);
            }
        }
        else
        {
            Evaluate(step, report);
            Consider(step);
            Save(step);
        }

        routing?.AtEnd(step);
        return Outcome(step, Seconds);
    }

    // The rank that leads cuts files back to the checkpoint, so all others read it before.
    private (long Step, double Seconds) Resume()
    {
        (long Step, double Seconds) Read() => Checkpoint.Resume(folder, graph, method, streams, Say, data.Identity, plan.Steps);
        (long, double) place = default;
        if (folder.Follows)
        {
            place = Read();
        }

        method.Ranks.Meet();
        if (!folder.Follows)
        {
            place = Read();
        }

        Agree(place.Item1);
        return place;
    }

    private void Agree(long step) => RankAgreement.Demand(
        method.Ranks,
        [
            ("step", $"{step}", "see that all ranks read the same folder"),
            ("seed", $"{streams.Seed}", "start all ranks with the same command"),
            ("shards", $"{method.Sharding.Count}", "start all ranks with the same command"),
            ("data", data.Identity?.ToJson() ?? "", "give all ranks the same data"),
            .. RunConditions.Here(device).Select(c => (c.Key, c.Value, "use machines that are alike, and the same --threads: ranks whose numbers round differently would drift apart")),
            .. Agreed.Select(a => (a.What, a.Value, "start all ranks with the same script and command")),
        ]);

    private TrainingOutcome Outcome(long step, double seconds) => new(step, seconds, _final)
    {
        Planned = plan.Steps,
        Best = _best,
        Finished = step >= plan.Steps || IsPastPatience,
        StoppedEarly = step < plan.Steps && IsPastPatience,
    };

    private bool KeepsBest => plan.KeepBest && data.Validation.Count > 0;

    private bool IsPastPatience => _since >= plan.Patience;

    // Where the best checkpoint is kept, what its file says counts, and not the log. A killed run may have written it after its newest
    // checkpoint; it comes to the same evaluation again, and finds it no better than itself.
    private void Recall(IReadOnlyList<MetricsLine> lines)
    {
        _best = KeepsBest ? Checkpoint.ReadBest(folder, Say) : null;
        foreach (IGrouping<long, MetricsLine> seen in lines.Where(line => line.Phase != "train").GroupBy(line => line.Step))
        {
            if (seen.LastOrDefault(line => line.Phase == "validation") is { } validation)
            {
                Note(validation, seen.LastOrDefault(line => line.Phase == "test"), mayBeBest: !KeepsBest);
            }
        }
    }

    // Keeps what was evaluated at this step, if it is the best so far.
    private void Consider(long step)
    {
        MetricsLine? Of(string phase) => _final.TryGetValue(phase, out MetricsLine? line) && line.Step == step ? line : null;
        if (Of("validation") is { } validation && Note(validation, Of("test"), mayBeBest: true) && KeepsBest)
        {
            method.DemandFiniteParameters();
            Checkpoint.WriteBest(folder, graph, method, streams, _best!, Seconds, data.Identity);
        }
    }

    // Takes notice of an evaluation, and says whether it is the best so far.
    private bool Note(MetricsLine validation, MetricsLine? test, bool mayBeBest)
    {
        if (!KeepsBest && plan.Patience is null)
        {
            return false;
        }

        if (mayBeBest && (_best?.IsBeatenBy(validation) ?? BestEvaluation.Counts(validation)))
        {
            (_best, _since) = (new(validation, test), 0);
            return true;
        }

        if (_best is not null && validation.Step > _best.Step)
        {
            _since++;
        }

        return false;
    }

    // Whether the log already has what is measured when a run ends at this step: what a stopped run measures is dropped when it goes on.
    private bool IsEvaluated(long step) => HeldOut.Where(set => set.Parts.Count > 0)
        .All(set => _final.TryGetValue(set.Phase, out MetricsLine? line) && line.Step == step);

    private double Seconds => _before + _clock.Elapsed.TotalSeconds;

    private void Save(long step)
    {
        method.Settle();
        method.DemandFiniteParameters();
        Checkpoint.Write(folder, graph, method, streams, step, Seconds, plan.KeepCheckpoints, data.Identity);
    }

    private void Log(long step, StepResult seen, Action<Progress> report) =>
        Emit(report, step, new("train", method.HasLikelihood ? seen.LogLikelihood : null, seen.Statistics, seen.Score)
        {
            Turns = seen.Turns,
            Loss = seen.Loss,
            Perplexity = Perplexity(Math.Exp(-seen.LogLikelihood / data.Train.OutputsPerDatapoint)),
            Reassigned = method.Reassigned,
        });

    private void Evaluate(long step, Action<Progress> report)
    {
        method.Settle();
        method.DemandFiniteSteps();
        using IDisposable? average = method.UseAverage();
        foreach ((string phase, IReadOnlyList<Dataset> parts) in HeldOut.Where(set => set.Parts.Count > 0))
        {
            if (data.Tasks.Count > 0)
            {
                EvaluateTasks(phase, step, report);
                continue;
            }

            if (method.Evaluate(phase, parts, plan.EvaluationBatch) is Observation own)
            {
                Emit(report, step, own);
                continue;
            }

            Evaluation seen = Evaluation.Of(graph, parts, plan.EvaluationBatch, device, method.Evaluating);
            Emit(report, step, new(phase, seen.LogLikelihood, seen.Statistics, seen.Score) { Perplexity = Perplexity(seen.Perplexity) });
        }
    }

    // The tasks that were trained on so far count together. Those to come are evaluated beside them where a row of the matrix of tasks is due: before
    // the first step, and where a task ends.
    private void EvaluateTasks(string phase, long step, Action<Progress> report)
    {
        int last = plan.Stream?.At(Math.Max(0, step - 1)) ?? data.Tasks.Count - 1;
        bool isRow = step == 0 || (plan.Stream?.EndsAt(step) ?? true);
        TaskPart[] tasks = [.. data.Tasks.Take(isRow ? data.Tasks.Count : last + 1)];
        (Evaluation all, IReadOnlyList<Evaluation> each) = Evaluation.OfTasks(
            graph, [.. tasks.Select(task => task.HeldOut(phase))], task => task <= last, plan.EvaluationBatch, device, method.Evaluating);
        TaskScore[] scores =
        [
            .. tasks.Zip(each)
                .Where(t => t.First.HeldOut(phase).Count > 0)
                .Select(t => new TaskScore(t.First.Name, t.Second.LogLikelihood, t.Second.Score.Accuracy, Perplexity(t.Second.Perplexity))),
        ];
        Emit(report, step, new(phase, all.LogLikelihood, all.Statistics, all.Score) { Perplexity = Perplexity(all.Perplexity), Tasks = scores });
    }

    private IEnumerable<(string Phase, IReadOnlyList<Dataset> Parts)> HeldOut =>
        [("validation", data.Validation), ("test", data.Test)];

    // Text is judged by perplexity; where a datapoint has one class, accuracy says more.
    private double? Perplexity(double value) => graph.Head is SoftmaxHead && data.Train.IsSequence ? value : null;

    private void Emit(Action<Progress> report, long step, Observation seen)
    {
        MetricsLine line = (seen with
        {
            HasEntropies = graph.HasSites && method.ReadsControllers && method.HasLikelihood,
            HasPools = graph.Pools.Count > 0 && method.HasLikelihood,
            Seconds = Seconds,
        }).At(step);
        folder.Append(line);
        _final[line.Phase] = line;
        double rate = (line.Step - _last.Step) / Math.Max(1e-9, line.Seconds - _last.Seconds);
        if (line.Phase == "train")
        {
            _last = (line.Step, line.Seconds);
        }

        // The estimate goes by the rate of the whole run, which includes E-steps and evaluations.
        double perStep = line.Step > _start.Step ? (line.Seconds - _start.Seconds) / (line.Step - _start.Step) : 0;
        report(new(line, plan.Steps, rate, TimeSpan.FromSeconds(perStep * (plan.Steps - line.Step)))
        {
            Epoch = plan.StepsPerEpoch is long each ? (Math.Max(0, line.Step - 1) / each + 1, plan.Steps / each) : null,
        });
    }
}
