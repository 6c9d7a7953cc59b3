namespace ModNet

open System
open System.Collections.Generic
open System.Reflection
open System.Runtime.InteropServices
open System.Text.Json.Nodes
open System.Threading
open ModNet.Runtime
open TorchSharp

/// Carries an experiment out: data, graph, method, run folder, report.
[<RequireQualifiedAccess>]
module Train =

    /// The folder that an experiment's run is written to.
    let internal folder (experiment: Experiment) : string =
        experiment.Out |> Option.defaultValue $"runs/{experiment.Network.Name}"

    let private object (fields: (string * JsonNode) list) = JsonObject(fields |> List.map KeyValuePair)

    /// ModNet's version, a plus sign, and the commit that it was built from.
    let internal version: string =
        Assembly.GetExecutingAssembly().GetCustomAttribute<AssemblyInformationalVersionAttribute>().InformationalVersion

    let private versions () =
        object [
            "modnet", JsonValue.Create version
            "dotnet", JsonValue.Create(Environment.Version.ToString())
            "libtorch", JsonValue.Create Libtorch.Version
            "torchsharp", JsonValue.Create Libtorch.TorchSharpVersion
            "os", JsonValue.Create RuntimeInformation.OSDescription
        ]

    let private values (line: MetricsLine) =
        let node = JsonNode.Parse(line.ToJson()).AsObject()
        node.Remove "phase" |> ignore
        node

    let private without (name: string) (fields: JsonObject) =
        fields.Remove name |> ignore
        fields

    let private summary
        (ranks: Ranks)
        (settings: Settings)
        (experiment: Experiment)
        (outcome: TrainingOutcome)
        (parameters: int64)
        (source: Source)
        (verdict: Verdict)
        (log: MetricsLine seq)
        =
        let summary =
            object [
                "command", JsonValue.Create settings.Command
                "seed", JsonValue.Create experiment.Seed
                "device", JsonValue.Create(string experiment.Device)
                "threads", JsonValue.Create(torch.get_num_threads ())
                "versions", versions ()
                "seconds", JsonValue.Create outcome.Seconds
                "steps", JsonValue.Create outcome.Steps
                "finished", JsonValue.Create outcome.Finished
                "parameters", JsonValue.Create parameters
                "data", source.Facts
            ]

        if ranks.Count > 1 then
            summary.Add(
                "ranks",
                object [ "count", JsonValue.Create ranks.Count; "library", JsonValue.Create ranks.Library ]
            )

        if outcome.StoppedEarly then summary.Add("stopped_early", JsonValue.Create true)

        for KeyValue(phase, line) in outcome.Final do
            summary.Add((if phase = "train" then "final" else phase), values line)

        StreamResults.addTo summary experiment log

        match outcome.Best with
        | null -> ()
        | best ->
            let measured =
                object [ "step", JsonValue.Create best.Step; "validation", without "step" (values best.Validation) ]

            if not (isNull best.Test) then measured.Add("test", without "step" (values best.Test))

            summary.Add("best", measured)

        for name, value in verdict.Summary do
            summary.Add(name, value)

        summary

    /// What the terminal shows of the best checkpoint: how well it does on data that were not trained on.
    let private best (outcome: TrainingOutcome) : string option =
        match outcome.Best with
        | null -> None
        | best ->
            let measured = [
                for phase, line in [ "validation", best.Validation; "test", best.Test ] do
                    for metric in Metric.All do
                        if not (isNull line) && List.ofSeq metric.EndPhases = [ "validation"; "test" ] then
                            match metric.AtEnd line with
                            | null -> ()
                            | text -> $"{phase} {metric.Title} {text}"
            ]

            let measured = String.concat ", " measured

            Some(Verdict.line "best by validation" $"step {best.Step:N0}: {measured}")

    /// What the terminal shows of a run that stopped early.
    let private early (experiment: Experiment) (outcome: TrainingOutcome) : string option =
        if outcome.StoppedEarly then
            let patience = experiment.Method.Gradient.EarlyStopping |> Option.defaultValue 0

            Verdict.line
                "stopped early"
                $"at step {outcome.Steps:N0} of {outcome.Planned:N0}: no better on the validation set than at step {outcome.Best.Step:N0}, {patience} evaluations on end"
            |> Some
        else
            None

    /// What the terminal shows at the end: the metrics, each in the phases that the table of metrics names, and what the data add.
    let private lastLines
        (experiment: Experiment)
        (outcome: TrainingOutcome)
        (verdict: Verdict)
        (log: MetricsLine seq)
        (folder: string)
        =
        let shown (metric: Metric) (phase: string) (title: string) =
            match outcome.Final.TryGetValue phase with
            | true, line -> metric.AtEnd line |> Option.ofObj |> Option.map (fun text -> Verdict.line title text)
            | _ -> None

        let ended (phases: string list) (title: Metric -> string -> string) =
            let metrics = Metric.All |> Seq.filter (fun metric -> List.ofSeq metric.EndPhases = phases) |> Seq.toList
            fun phase -> metrics |> List.choose (fun metric -> shown metric phase (title metric phase))

        let minibatch = ended [ "train" ] (fun metric _ -> $"{metric.Title} (last minibatch)")
        // How modules are chosen is told of data that were not trained on, where there are such.
        let once = ended (List.ofSeq Metric.EveryPhase) (fun metric phase -> $"{metric.Title} ({phase})")
        let heldOut = ended [ "validation"; "test" ] (fun metric phase -> $"{phase} {metric.Title}")

        [
            yield! minibatch "train"
            yield!
                [ "test"; "validation"; "train" ]
                |> List.map once
                |> List.tryFind (List.isEmpty >> not)
                |> Option.defaultValue []
            yield! List.collect heldOut [ "validation"; "test" ]
            yield! best outcome |> Option.toList
            yield! early experiment outcome |> Option.toList
            yield! StreamResults.lines experiment log
            yield! verdict.Lines
            $"{Numbers.grouped outcome.Steps} steps in %.1f{outcome.Seconds} s; seed {experiment.Seed}; report: {folder}/report.html"
        ]

    /// Whether the summary in a folder says that its run came to its end after so many steps.
    let private isFinished (folder: string) (steps: int64) =
        match RunFiles.summary folder with
        | None -> false
        | Some summary ->
            JsonNode.DeepEquals(summary["finished"], JsonValue.Create true)
            && JsonNode.DeepEquals(summary["steps"], JsonValue.Create steps)

    /// The report's sections about the routing trace at the run's end; none for a network without modular layers.
    let private routed (folder: string) =
        let path = IO.Path.Combine(folder, "routing.safetensors")

        if IO.File.Exists path then RoutingReport.brief (Trace.load path) else []

    /// Does what `showing` does, and says of the data what `before` makes of them.
    let private telling
        (before: Source -> unit)
        (progress: ProgressLine)
        (settings: Settings)
        (sound: CheckedExperiment)
        =
        Host.demandServed ()
        Machine.EnsureReady()
        let ranks = Crew.join ()

        use _threads = Threads.take settings.Threads (Crew.threads ranks) sound
        let path = folder sound.Experiment
        let resume = settings.Resume && Checkpoint.IsIn path
        let sound = sound |> Crew.sharded ranks (if resume then Some path else None)
        let declared = sound.Experiment
        let device = Devices.find declared.Device
        let source = Source.load sound
        use _splits = source.Splits
        let datapoints = source.Splits.Train.Count
        let experiment = Epochs.resolved sound datapoints
        use streams = new RandomStreams(int64 experiment.Seed)

        let tasks = CompileMethod.stream experiment source.Splits
        let trainee = Trainee.make ranks sound experiment tasks source streams device
        use graph = trainee.Graph
        use training = trainee.Training

        let steps = experiment.Steps

        use folder =
            match ranks.Leads, resume with
            | false, _ -> RunFolder.Follow path
            | true, true -> RunFolder.Open path
            | true, false -> RunFolder.Create(path, settings.Overwrite)

        if not (isNull folder.Aside) then
            printfn $"{path} held an earlier run, which is now {folder.Aside} (--overwrite would have replaced it)"

        if resume then Resuming.demandSame path declared datapoints

        let ready () =
            if ranks.Leads then
                WholeFile.Write(folder.PathOf "spec.json", Experiment.to_json declared)
                source.Preparation.Write(folder.PathOf Preparation.FileName, datapoints)

        let plan =
            TrainingPlan(
                steps,
                int64 experiment.LogEvery,
                int64 experiment.ValidateEvery,
                int64 (defaultArg experiment.CheckpointEvery experiment.ValidateEvery),
                KeepCheckpoints = experiment.KeepCheckpoints,
                // What is best by a task's validation set would be forgotten with the task.
                KeepBest = (experiment.KeepBest && not (StreamResults.isSequential experiment)),
                Patience = Option.toNullable experiment.Method.Gradient.EarlyStopping,
                StepsPerEpoch =
                    (declared.Method.Gradient.Epochs
                     |> Option.map (fun _ -> RunLength.length declared datapoints)
                     |> Option.toNullable),
                Stream = Option.toObj tasks
            )

        let tracing =
            RoutingPlan(
                experiment.Tracing.Every |> Option.map int64 |> Option.toNullable,
                int64 experiment.Tracing.Rows,
                int64 experiment.Tracing.AtEnd
            )

        let labels =
            let prepared = source.Preparation
            RoutingLabels(prepared.Words, prepared.Classes, prepared.Tasks)

        before source

        let recorder =
            trainee.Method
            |> Option.filter (fun _ -> ranks.Leads || graph.IsSpread)
            |> Option.map (fun method -> RoutingRecorder(graph, method, source.Splits, labels, tracing, folder, device))

        let trainer =
            Trainer(
                graph,
                training,
                source.Splits,
                plan,
                folder,
                streams,
                device,
                Option.toObj recorder,
                Ready = Action ready,
                Agreed = [| struct ("experiment", Essence.text declared) |]
            )

        let board = if settings.TensorBoard && ranks.Leads then Some(TensorBoardLog path) else None

        let show (seen: Progress) =
            if ranks.Leads then
                progress.Show seen
                board |> Option.iter _.Add(seen.Line)

        // What the rank that leads makes of the outcome.
        let conclude (outcome: TrainingOutcome) (verdict: Verdict) =
            // A finished run that is resumed to the same length stays as it is.
            if outcome.Finished && isFinished path outcome.Steps then
                printfn $"{path}: this run is finished already"
            else
                folder.WriteJson(
                    "summary.json",
                    summary ranks settings experiment outcome trainee.Parameters source verdict (folder.Metrics())
                )

            Report.ofRun path
            |> Report.title experiment.Network.Name
            |> Report.first (trainee.Architecture @ verdict.Sections path)
            |> Report.last (routed path)
            |> Report.write (folder.PathOf "report.html")

            for line in lastLines experiment outcome verdict (folder.Metrics()) path do
                printfn $"{line}"

        let outcome =
            try
                Stopping.withToken (fun stop -> trainer.Run(System.Action<Progress> show, stop, resume))
            finally
                progress.Finish()

        // Where modules live on ranks, all run the passes of the verdict together.
        let verdict = if ranks.Leads || graph.IsSpread then Some(trainee.Judge folder) else None
        if ranks.Leads then verdict |> Option.iter (conclude outcome)
        outcome

    /// Runs an experiment to its end, or until Ctrl-C. It shows its progress on a line and leaves a run folder. Raises UserException for
    /// what a user can mend.
    let showing (progress: ProgressLine) (settings: Settings) (sound: CheckedExperiment) : TrainingOutcome =
        telling ignore progress settings sound

    /// Runs an experiment with a progress line of its own, says what it runs first, and tells how to go on where it was stopped.
    /// Example: `Check.experiment run |> Result.map (fun run () -> Train.run Settings.none run)`
    let run (settings: Settings) (experiment: CheckedExperiment) : TrainingOutcome =
        let before source = printfn $"{experiment}\n\ndata  {Declared.data source}\n"

        let outcome = telling before (ProgressLine()) settings experiment

        if not outcome.Finished then
            let again =
                match settings with
                | { Command = "" } -> "run it again with `Resume = true`"
                | { Resume = true } -> settings.Command
                | _ -> settings.Command + " --resume"

            printfn
                $"stopped after {Numbers.grouped outcome.Steps} of {Numbers.grouped outcome.Planned} steps; the checkpoint holds them: to go on, {again}"

        outcome

    /// Checks an experiment and runs it as it is: how training ended, or all its mistakes, as `Check.experiment` gives them.
    /// Example: `Train.experiment run`
    let experiment (experiment: Experiment) : Result<TrainingOutcome, Diagnostic list> =
        Check.experiment experiment |> Result.map (run Settings.none)
