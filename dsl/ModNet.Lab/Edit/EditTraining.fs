namespace ModNet

open System
open System.IO
open System.Linq
open System.Text.Json.Nodes
open ModNet.Runtime
open TorchSharp

/// Training of edited networks.
[<RequireQualifiedAccess>]
module internal EditTraining =

    let private isOfHead (name: string) = name.StartsWith("head.", StringComparison.Ordinal)

    let fineTune (target: Experiment) (run: TrainedNetwork) : TrainedNetwork =
        let sound = Check.experiment target |> Refusal.orRaise
        let step = EditStep.ofNetwork $"fine-tune {run.Origin.Folder}" Everything

        run
        |> EditedNetwork.start step sound (fun graph ->
            let state = graph.state_dict ()
            let known = run.Graph.state_dict ()

            for name in Seq.toArray state.Keys do
                match known.TryGetValue name with
                | true, tensor when tensor.shape.SequenceEqual state[name].shape ->
                    state[name] <- tensor.detach().cpu().clone()
                | _ when isOfHead name -> ()
                | found, tensor ->
                    let shape (tensor: torch.Tensor) = String.Join(" × ", tensor.shape)

                    Refusal.refuse
                        $"{target.Network.Name}, {name}"
                        $"the layers of {run.Experiment.Network.Name}, but for the head: {shape state[name]}"
                        (if found then shape tensor else "no such parameters in the trained network")
                        "declare the network that was trained, with another head at most"

            state)

    // Which edits the run in a folder began with; None where it is no edited one.
    let private storyIn (folder: string) : string option =
        let path = Path.Combine(folder, "edit.json")
        if File.Exists path then Some(string (JsonNode.Parse(PlainText.Read path))) else None

    /// Whose datapoints training may treat otherwise: those that meet the modules it changes, where it changes nothing but modules of one pool.
    let private stepOf (steps: int) (experiment: Experiment) (run: TrainedNetwork) : EditStep =
        use streams = new RandomStreams(int64 experiment.Seed)
        use graph = Compile.ofPlan (Initialiser streams.Init) streams.Dropout run.Plan
        Compile.freeze run.Plan experiment.Frozen graph

        let words = $"go-on {steps}"

        match Freezing.ModulesThatLearnAlone graph |> Option.ofNullable with
        | Some(struct (pool, modules)) -> EditStep.ofModules words pool (List.ofSeq modules)
        | None -> EditStep.ofNetwork words Everything

    let goOn (steps: int) (folder: string) (run: TrainedNetwork) : TrainedNetwork =
        if steps < 1 then Refusal.refuse "go_on" "a number of steps ≥ 1" (string steps) "give a positive number"

        let experiment = {
            run.Experiment with
                Method = run.Experiment.Method.WithSteps(int run.Step + steps)
                Out = Some folder
        }

        let sound = Check.experiment experiment |> Refusal.orRaise

        if not (Checkpoint.IsIn folder) then
            EditSave.save folder run
        elif storyIn folder <> Some(EditSave.story run) then
            Refusal.refuse
                folder
                "a new folder, or one where this network went on before"
                "another run"
                "name another folder"

        let line = ProgressLine($"{Path.GetFileName(Path.GetFullPath folder)} · ", (fun _ -> ""))
        Train.showing line { Settings.none with Resume = true } sound |> Stopping.mustBeFinished folder

        Trained.load_as (Experiment.with_code_of run.Experiment) folder
        |> EditedNetwork.descended (run.Edits @ [ stepOf steps experiment run ])
