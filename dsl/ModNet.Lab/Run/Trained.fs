namespace ModNet

open System
open System.IO
open ModNet.Runtime
open TorchSharp

/// A network as a run left it: made from the run's `spec.json`, with the weights of its newest checkpoint that is whole, or their moving average
/// where the run kept one (`average_weights`). It needs neither the run's script nor its data. Dispose it to free its tensors.
[<Sealed>]
type TrainedNetwork
    internal
    (
        experiment: Experiment,
        graph: Graph,
        evaluating: Selector,
        device: torch.Device,
        streams: RandomStreams,
        preparation: Preparation option
    ) =
    /// The run's experiment.
    member _.Experiment = experiment
    /// The graph, in evaluation mode.
    member _.Graph = graph
    /// How the run's method chooses modules in evaluation.
    member _.Evaluating = evaluating
    /// The device of the graph, on which inputs must be.
    member _.Device = device

    /// What turns data as they are outside into the network's inputs, and the names of classes, words and columns. None for a run of a version
    /// that did not keep it.
    member _.Preparation = preparation

    /// The most probable classes [B] (of a sequence [B, T]), means [B, D] or bits for x [B, …] on the network's device. x is as the data have
    /// it: the run's preparation is applied to it, so columns are not yet standardised, and the pixels of images are bytes. Several threads may
    /// ask at once. The caller disposes of the answer. Raises UserException where x is something else.
    member _.Predict(x: torch.Tensor) : torch.Tensor =
        let prepare =
            match preparation with
            | Some preparation -> preparation.Apply
            | None when Sources.preparesInputs experiment.Data ->
                Refusal.refuse
                    experiment.Network.Name
                    "a run that keeps how its data were prepared"
                    "one of an earlier version, without it"
                    "resume the run with --resume and its data, which writes data.json and trains no further"
            | None -> id

        graph.InEvaluation(fun () ->
            use _scope = torch.NewDisposeScope()
            let features = graph.Forward(prepare x, evaluating).Features
            graph.Head.Predict(features).MoveToOuterDisposeScope())

    interface IDisposable with
        member _.Dispose() =
            graph.Dispose()
            streams.Dispose()

/// A run opened from its folder: graph, weights and data, from spec and checkpoint.
type TrainedRun = {
    Experiment: Experiment
    Source: Source
    /// The graph with the checkpoint's weights.
    Graph: Graph
    /// How modules are chosen in evaluation.
    Evaluating: Selector
    Device: torch.Device
}

/// Opens the folders of runs.
[<RequireQualifiedAccess>]
module Trained =

    let private experiment (folder: string) : Experiment =
        let spec = Path.Combine(folder, "spec.json")

        if not (File.Exists spec) then
            Refusal.refuse folder "the folder of a run" "one without spec.json" "give the folder that --out named"

        match Experiment.of_json (PlainText.Read spec) with
        | Error problem -> Refusal.refuse spec "the experiment of a run" $"{problem}" "run it anew"
        | Ok experiment -> experiment

    /// How the weights of one of a folder's checkpoints are loaded: folder, graph, what is told of damage, and the data.
    type private Weights = string * Graph * Action<string> * DataIdentity -> unit

    let private newest: Weights = fun (folder, graph, say, data) -> Checkpoint.LoadWeightsOf(folder, graph, say, data)

    let private best: Weights =
        fun (folder, graph, say, data) -> Checkpoint.LoadBestWeightsOf(folder, graph, say, data)

    /// The network of an experiment, made from its plan, with the weights in its folder.
    let private opened
        (weights: Weights)
        (folder: string)
        (experiment: Experiment)
        (plan: unit -> Plan)
        : TrainedNetwork =
        let device = Devices.find experiment.Device
        let preparation = Path.Combine(folder, Preparation.FileName) |> Preparation.Read |> Option.ofObj
        let streams = new RandomStreams(int64 experiment.Seed)

        try
            let graph = Compile.ofPlan (Initialiser(streams.Init, device = device)) streams.Dropout (plan ())

            try
                let evaluating = CompileMethod.evaluating experiment.Method graph
                let data = preparation |> Option.map _.Data |> Option.toObj
                weights (folder, graph, Action<string>(fun said -> eprintfn $"{said}"), data)
                graph.eval ()
                new TrainedNetwork(experiment, graph, evaluating, device, streams, preparation)
            with _ ->
                graph.Dispose()
                reraise ()
        with _ ->
            streams.Dispose()
            reraise ()

    let private loaded (weights: Weights) (change: Experiment -> Experiment) (folder: string) : TrainedNetwork =
        Machine.EnsureReady()
        let experiment = change (experiment folder)
        opened weights folder experiment (fun () -> Check.plan experiment.Network |> Refusal.orRaise)

    /// Loads the network with a changed experiment: another device, another dispatch, or the code of custom modules, which the folder does not hold. A change to the architecture is
    /// refused with the list of what differs.
    /// Example: `Trained.load_as (fun run -> { run with Device = Cuda 0 }) "runs/mnist"`
    let load_as (change: Experiment -> Experiment) (folder: string) : TrainedNetwork = loaded newest change folder

    /// The network of a run's folder, with the weights of its newest checkpoint that is whole. Raises UserException where the folder
    /// holds no run, the checkpoint belongs to another network, or the network has custom modules: `load_as` takes their code.
    /// Example: `Trained.load "runs/mnist"`
    let load (folder: string) : TrainedNetwork = load_as id folder

    /// The same as `load_as`, with the weights of `best.safetensors`: those with which the validation set was the most probable.
    /// Example: `Trained.load_best_as (fun run -> { run with Device = Cuda 0 }) "runs/mnist"`
    let load_best_as (change: Experiment -> Experiment) (folder: string) : TrainedNetwork = loaded best change folder

    /// The same as `load`, with the weights with which the validation set was the most probable. Raises UserException where the run kept none:
    /// its data have no validation set, or its experiment says `keep_best false`.
    /// Example: `Trained.load_best "runs/mnist"`
    let load_best (folder: string) : TrainedNetwork = load_best_as id folder

    /// The same as `within`, with a changed experiment: another device, or the code and arrays of the run's script, which its folder does not hold.
    /// Example: `Trained.within_as (Experiment.with_code_of run) "runs/mine" (fun run -> Seq.length (run.Graph.parameters ()))`
    let within_as (change: Experiment -> Experiment) (folder: string) (action: TrainedRun -> 'Result) : 'Result =
        Machine.EnsureReady()
        let sound = experiment folder |> change |> Check.experiment |> Refusal.orRaise
        let source = Source.load sound
        use _splits = source.Splits
        use trained = opened newest folder sound.Experiment (fun () -> sound.Plan)

        action {
            Experiment = sound.Experiment
            Source = source
            Graph = trained.Graph
            Evaluating = trained.Evaluating
            Device = trained.Device
        }

    /// Opens a run for an action and gives the action's result; the run's graph and data are freed after it. Raises UserException where the folder holds no
    /// run, or its data are gone.
    /// Example: `Trained.within "runs/mnist" (fun run -> Seq.length (run.Graph.parameters ()))`
    let within (folder: string) (action: TrainedRun -> 'Result) : 'Result = within_as id folder action

    /// The sections about its kind of data that the run's own report opens with. Raises
    /// UserException where the folder holds no run, or its data are gone.
    let internal sections (change: Experiment -> Experiment) (folder: string) : Section list =
        within_as change folder (fun run -> (run.Source.Judge run.Graph run.Evaluating run.Device).Sections folder)
