namespace ModNet

open System.Collections.Generic
open System.IO
open System.Text.Json.Nodes
open ModNet.Runtime
open TorchSharp

/// Writes edited networks as runs.
[<RequireQualifiedAccess>]
module internal EditSave =

    /// Lets an action train the graph of a network by its run's method on its run's data.
    let private training
        (run: TrainedNetwork)
        (action: TrainingMethod -> Source -> RandomStreams -> 'Result)
        : 'Result =
        Trained.withData run (fun sound opened ->
            let train = opened.Source.Splits.Train
            let experiment = Epochs.resolved sound train.Count
            use streams = new RandomStreams(int64 experiment.Seed)
            let stream = CompileMethod.stream experiment opened.Source.Splits

            use method = CompileMethod.streamed Ranks.Alone stream experiment.Method run.Graph train streams run.Device

            let result = action method opened.Source streams
            run.Graph.eval ()
            result)

    /// How many datapoints' a* had to be mended, and a* as checkpoints hold it; None where nothing had to be.
    let private repaired (run: TrainedNetwork) : int64 * torch.Tensor option =
        if run.Origin.State.IsUnassigned then
            training run (fun method source _ ->
                let em = method :?> ViterbiEm
                let table = run.Origin.State.Tensors[StateNames.Assignments]
                let count = AssignmentRepair.Run(em, run.Graph, source.Splits.Train, table)
                count, Some(em.Assignments.ToTensor().DetachFromDisposeScope()))
        else
            0L, None

    let repair (run: TrainedNetwork) : TrainedNetwork * int64 =
        let count, table = repaired run

        let whole =
            run
            |> EditedNetwork.make (EditStep.ofNetwork "repair" Nothing) run.Experiment (fun _ ->
                let state = RunState.Owned run.Origin.State.Tensors

                table
                |> Option.iter (fun table ->
                    state[StateNames.Assignments].Dispose()
                    state[StateNames.Assignments] <- table)

                state)

        whole, count

    let private edits (run: TrainedNetwork) =
        JsonObject [
            KeyValuePair("version", JsonValue.Create 1 :> JsonNode)
            KeyValuePair("from", JsonValue.Create run.Origin.Folder :> JsonNode)
            KeyValuePair("step", JsonValue.Create run.Step :> JsonNode)
            KeyValuePair(
                "edits",
                JsonArray [| for step in run.Edits -> JsonValue.Create step.Words :> JsonNode |] :> JsonNode
            )
        ]

    /// What `edit.json` says of a network.
    let story (run: TrainedNetwork) : string = string (edits run)

    let private copied (run: TrainedNetwork) (folder: string) (name: string) =
        let file = Path.Combine(run.Origin.Folder, name)
        if run.Origin.Folder <> "" && File.Exists file then File.Copy(file, Path.Combine(folder, name))

    let private writeSpec (run: TrainedNetwork) (folder: string) (out: string) =
        let experiment = { run.Experiment with Out = Some out }
        WholeFile.Write(Path.Combine(folder, "spec.json"), Experiment.to_json experiment)

    // The lines of metrics of the run before the edit, as far as its weights had come.
    let private metrics (run: TrainedNetwork) : MetricsLine list =
        let path = Path.Combine(run.Origin.Folder, "metrics.jsonl")

        if run.Origin.Folder <> "" && File.Exists path then
            (MetricsLog.OfFolder run.Origin.Folder).Lines
            |> Seq.filter (fun line -> line.Step <= run.Step)
            |> List.ofSeq
        else
            []

    let private writeWhole (run: TrainedNetwork) (table: torch.Tensor option) (unfinished: string) =
        copied run unfinished Preparation.FileName
        use folder = RunFolder.Open unfinished

        for line in metrics run do
            folder.Append line

        let tensors = Dictionary(run.Origin.State.Tensors)
        table |> Option.iter (fun table -> tensors[StateNames.Assignments] <- table)
        (run.Origin.State.With tensors).Write(folder, int64 run.Experiment.Seed)
        folder.WriteJson("edit.json", edits run)

    // A network that has had no step becomes a run that is about to take its first.
    let private writeNew (run: TrainedNetwork) (unfinished: string) =
        training run (fun method source streams ->
            use folder = RunFolder.Open unfinished
            method.Begin()
            Checkpoint.Write(folder, run.Graph, method, streams, 0L, data = source.Splits.Identity)
            folder.WriteJson("edit.json", edits run)
            source.Preparation.Write(folder.PathOf Preparation.FileName, source.Splits.Train.Count))

    let private writeWeights (run: TrainedNetwork) (name: string) (unfinished: string) =
        ExportedWeights.Write(unfinished, run.Graph, run.Step)
        run.Preparation |> Option.iter (fun _ -> copied run unfinished Preparation.FileName)

        ModelCard.text run.Origin.Folder name run.Experiment run.Graph run.Step None
        |> fun card -> WholeFile.Write(Path.Combine(unfinished, "README.md"), card)

        WholeFile.Write(Path.Combine(unfinished, "edit.json"), string (edits run) + "\n")

    let save (out: string) (run: TrainedNetwork) : unit =
        let _, table = repaired run

        NewFolder.write out (fun unfinished ->
            writeSpec run unfinished out

            if run.Origin.State.IsWhole then writeWhole run table unfinished
            elif run.Origin.Folder = "" then writeNew run unfinished
            else writeWeights run (Path.GetFileName out) unfinished)

        table |> Option.iter _.Dispose()
