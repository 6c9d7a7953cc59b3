namespace ModNet

open System
open System.Collections.Generic
open System.IO
open System.Runtime.InteropServices
open ModNet.Runtime
open TorchSharp

/// A network as a run left it: made from the run's `spec.json`, with the weights of its newest checkpoint that is whole, or their moving average
/// where the run kept one (`average_weights`). It needs neither the run's script nor its data. Dispose it to free its tensors.
[<Sealed>]
type TrainedNetwork
    internal
    (
        experiment: Experiment,
        plan: Plan,
        graph: Graph,
        evaluating: Selector,
        device: torch.Device,
        streams: RandomStreams,
        preparation: Preparation option,
        step: int64,
        origin: Origin
    ) =
    let asked: Asked = {
        Experiment = experiment
        Graph = graph
        Device = device
        Preparation = preparation
        Selector = evaluating
    }

    /// The run's experiment.
    member _.Experiment = experiment
    /// The graph, in evaluation mode.
    member _.Graph = graph
    /// How the run's method chooses modules in evaluation.
    member _.Evaluating = evaluating
    /// The device of the graph, on which inputs must be.
    member _.Device = device

    /// The number of gradient steps that the weights have had.
    member _.Step = step

    /// The network with every name, shape and pool inferred.
    member _.Plan = plan

    member internal _.Origin = origin

    /// The edits since the run was trained, in order.
    member _.Edits: EditStep list = origin.Steps

    /// What turns data as they are outside into the network's inputs, and the names of classes, words and columns. None for a run of a version
    /// that did not keep it.
    member _.Preparation = preparation

    /// The names of the classes by number, of a text the words by token id; where the run's data have no names, `0`, `1`, …. Empty where y are no
    /// classes.
    member _.ClassNames: IReadOnlyList<string> = Asking.classNames graph preparation

    /// The names of y's values by place: the columns of a table, or else `y1`, `y2`, …. Empty where y are classes.
    member _.TargetNames: IReadOnlyList<string> = Asking.targetNames experiment

    /// The most probable classes [B] (of a sequence [B, T]), means [B, D] or bits for x [B, …]. x is as the data have it: the run's preparation
    /// is applied to it, so columns are not yet standardised, and the pixels of images are bytes. `side` is what datapoints bring beside x, such
    /// as task ids. Several threads may ask at once. The caller disposes of the answer. Raises UserException where x is something else.
    member _.Predict
        (x: torch.Tensor, [<Optional; DefaultParameterValue(null: SideInputs)>] side: SideInputs)
        : torch.Tensor =
        asked.Predict(x, side)

    /// All that the network says of x [B, …]: what `Predict` gives, the probabilities, and which modules ran; with `targets`, also how probable
    /// these are. x and `side` are as in `Predict`. The caller disposes of the answer.
    /// Example: `let said = trained.Examine(x)`
    member _.Examine
        (
            x: torch.Tensor,
            [<Optional; DefaultParameterValue(null: torch.Tensor)>] targets: torch.Tensor,
            [<Optional; DefaultParameterValue(null: SideInputs)>] side: SideInputs,
            [<Optional; DefaultParameterValue(null: RecurrentState)>] carried: RecurrentState
        ) : Prediction =
        asked.Examine(x, targets, side, carried)

    /// The probability of every class [B, C], in the order of `ClassNames` (of a sequence [B, T, C]), or of every bit to be 1 [B, D]. x and `side`
    /// are as in `Predict`. The caller disposes of the answer. Raises UserException where y are numbers, which have no probability.
    /// Example: `let probabilities = trained.PredictProbabilities(x)`
    member trained.PredictProbabilities
        (x: torch.Tensor, [<Optional; DefaultParameterValue(null: SideInputs)>] side: SideInputs)
        : torch.Tensor =
        match graph.Head with
        | :? GaussianHead ->
            Refusal.refuse
                experiment.Network.Name
                "a network that predicts classes or bits"
                "one that predicts numbers, which have no probability"
                "ask Predict for their mean, and Examine for their deviation"
        | _ ->
            use _scope = torch.NewDisposeScope()
            trained.Examine(x, null, side).Probabilities.MoveToOuterDisposeScope()

    /// The names of the most probable classes, a row each; of a sequence, those of its steps one after the other. x and `side` are as in `Predict`.
    /// Raises UserException where y are no classes.
    /// Example: `let species = trained.PredictNames(x)`
    member trained.PredictNames
        (x: torch.Tensor, [<Optional; DefaultParameterValue(null: SideInputs)>] side: SideInputs)
        : string array =
        let names = trained.ClassNames

        if names.Count = 0 then
            Refusal.refuse
                experiment.Network.Name
                "a network that predicts classes"
                "one that predicts numbers or bits"
                "ask Predict for them"

        use _scope = torch.NewDisposeScope()
        trained.Predict(x, side) |> TensorArrays.Vector<int64> |> Array.map (fun number -> names[int number])

    /// The network without libtorch's tensors: it answers for rows of numbers, x as the data have it, in microseconds a row. It keeps the weights as they are
    /// now, and outlives this network. Raises UserException where a layer, the head or the method's choice needs tensors: convolutions, sequences, modules that
    /// are no single linear layers, data beside x.
    /// Example: `let predictor = trained.Predictor()`
    member _.Predictor() : Predictor = asked.Predictor plan

    /// Finds for a new task the composition that explains its few datapoints best: argmax_a Σ_n log p(y_n|x_n, a), one composition for all of them, with weights as they
    /// are. x [N, …] is as in `Predict`, and y is what is to be predicted: classes [N] of int64 or values [N, D], as in `Examine`. Where there are at most `most`
    /// compositions, all are scored, so the best one is found for sure; else the search climbs from `restarts` compositions that are drawn by `seed`, choice by choice. A
    /// new task has no task id: give `side` only where layers read one beside their controllers. This network must outlive the result. Raises UserException where the network has
    /// nothing to choose, weighs modules (`noisy_topk`, `loss_free_topk`), or cannot read x or y.
    /// Example: `trained.Adapt(x, y)`
    member _.Adapt
        (
            x: torch.Tensor,
            y: torch.Tensor,
            [<Optional; DefaultParameterValue(null: SideInputs)>] side: SideInputs,
            [<Optional; DefaultParameterValue(4096)>] most: int,
            [<Optional; DefaultParameterValue(16)>] restarts: int,
            [<Optional; DefaultParameterValue(1)>] seed: int
        ) : AdaptedNetwork =
        AdaptedNetwork.Find(asked, plan, x, y, side, SearchSettings(most, restarts, seed))

    interface IDisposable with
        member _.Dispose() =
            graph.Dispose()
            streams.Dispose()
            (origin :> IDisposable).Dispose()

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

    /// What the run in a folder was: its experiment, without the code and arrays of its script. Raises UserException where the folder holds no run.
    /// Example: `Trained.experiment "runs/mnist"`
    let experiment (folder: string) : Experiment =
        let spec = Path.Combine(folder, "spec.json")

        if not (File.Exists spec) then
            Refusal.refuse folder "the folder of a run" "one without spec.json" "give the folder that --out named"

        match Experiment.of_json (PlainText.Read spec) with
        | Error problem -> Refusal.refuse spec "the experiment of a run" $"{problem}" "run it anew"
        | Ok experiment -> experiment

    /// Raises UserException where the run was a game, whose players' networks are no experiment by themselves.
    let private alone (folder: string) (experiment: Experiment) : Experiment =
        if experiment.Method.IsGame then
            Refusal.refuse
                folder
                "the run of an experiment with one network"
                "a game, whose players have networks of their own"
                $"open its samples ({GameSamples.FileName}) by `GameSamples.read`, or its weights (`players.NAME.NUMBER.…` in checkpoint.safetensors)"

        experiment

    /// How the weights of one of a folder's checkpoints are loaded: folder, graph, what is told of damage, and the data.
    type private Weights = string * Graph * Action<string> * DataIdentity -> int64

    let private newest: Weights =
        fun (folder, graph, say, data) ->
            if ExportedWeights.IsIn folder then
                ExportedWeights.Load(folder, graph)
            else
                Checkpoint.LoadWeightsOf(folder, graph, say, data)

    let private best: Weights =
        fun (folder, graph, say, data) -> Checkpoint.LoadBestWeightsOf(folder, graph, say, data)

    /// The network of an experiment, made from its plan, whose weights `fill` loads into the fresh graph; it gives the step that they are of, and where
    /// the state is.
    let internal made
        (experiment: Experiment)
        (plan: Plan)
        (preparation: Preparation option)
        (fill: Graph -> int64 * Origin)
        : TrainedNetwork =
        let device = Devices.find experiment.Device
        let streams = new RandomStreams(int64 experiment.Seed)

        try
            let graph = Compile.ofPlan (Initialiser(streams.Init, device = device)) streams.Dropout plan

            try
                let evaluating = CompileMethod.evaluating experiment graph
                let step, origin = fill graph
                graph.eval ()
                new TrainedNetwork(experiment, plan, graph, evaluating, device, streams, preparation, step, origin)
            with _ ->
                graph.Dispose()
                reraise ()
        with _ ->
            streams.Dispose()
            reraise ()

    let private say = Action<string>(fun said -> eprintfn $"{said}")

    let private opened (weights: Weights) (isBest: bool) (folder: string) (experiment: Experiment) (plan: Plan) =
        let preparation = Path.Combine(folder, Preparation.FileName) |> Preparation.Read |> Option.ofObj

        made experiment plan preparation (fun graph ->
            let data = preparation |> Option.map _.Data |> Option.toObj
            let step = weights (folder, graph, say, data)
            step, new Origin(folder, lazy (RunState.Of(folder, isBest, ignore)), []))

    let private loaded weights isBest (change: Experiment -> Experiment) (folder: string) : TrainedNetwork =
        Machine.EnsureReady()
        let experiment = alone folder (change (experiment folder))
        Check.plan experiment.Network |> Refusal.orRaise |> opened weights isBest folder experiment

    /// Loads the network with a changed experiment: another device, another dispatch, or the code of custom modules, which the folder does not hold. A change to the architecture is
    /// refused with the list of what differs.
    /// Example: `Trained.load_as (fun run -> { run with Device = Cuda 0 }) "runs/mnist"`
    let load_as (change: Experiment -> Experiment) (folder: string) : TrainedNetwork = loaded newest false change folder

    /// The network of a run's folder, with the weights of its newest checkpoint that is whole. Raises UserException where the folder
    /// holds no run, the checkpoint belongs to another network, or the network has custom modules: `load_as` takes their code.
    /// Example: `Trained.load "runs/mnist"`
    let load (folder: string) : TrainedNetwork = load_as id folder

    /// The same as `load_as`, with the weights of `best.safetensors`: those with which the validation set was the most probable.
    /// Example: `Trained.load_best_as (fun run -> { run with Device = Cuda 0 }) "runs/mnist"`
    let load_best_as (change: Experiment -> Experiment) (folder: string) : TrainedNetwork =
        loaded best true change folder

    /// The same as `load`, with the weights with which the validation set was the most probable. Raises UserException where the run kept none:
    /// its data have no validation set, or its experiment says `keep_best false`.
    /// Example: `Trained.load_best "runs/mnist"`
    let load_best (folder: string) : TrainedNetwork = load_best_as id folder

    /// Writes an open network as ONNX.
    let private writeOnnx (path: string) (trained: TrainedNetwork) : OnnxPorts =
        let preparation = Asking.preparationOf trained.Experiment trained.Preparation |> Option.toObj
        OnnxFile.Write(path, trained.Graph, trained.Evaluating, Asking.inputRow trained.Plan, preparation)

    let private exported (open': string -> TrainedNetwork) (isOnnx: bool) (folder: string) (out: string) : unit =
        use trained = open' folder

        NewFolder.write out (fun unfinished ->
            ExportedWeights.Write(unfinished, trained.Graph, trained.Step)

            for name in [ "spec.json"; Preparation.FileName ] do
                let file = Path.Combine(folder, name)
                if File.Exists file then File.Copy(file, Path.Combine(unfinished, name))

            let ports = if isOnnx then Some(writeOnnx (Path.Combine(unfinished, OnnxFile.FileName)) trained) else None

            ModelCard.text folder (Path.GetFileName out) trained.Experiment trained.Graph trained.Step ports
            |> fun card -> WholeFile.Write(Path.Combine(unfinished, "README.md"), card))

    /// Writes the weights of a run's newest checkpoint that is whole into a new folder, for others to use: `model.safetensors` with plain names,
    /// which Python's safetensors reads, a model card `README.md`, and `spec.json` and `data.json`, with which `load` opens the folder.
    /// Raises UserException where the run cannot be loaded, or the folder holds something.
    /// Example: `Trained.export "runs/mnist" "mnist-weights"`
    let export (folder: string) (out: string) : unit = exported load false folder out

    /// The same with the weights of `best.safetensors`.
    /// Example: `Trained.export_best "runs/mnist" "mnist-weights"`
    let export_best (folder: string) (out: string) : unit = exported load_best false folder out

    /// The same as `export`, with `model.onnx` beside it: the network as an ONNX file, which other programs run without ModNet. It reads x as the data have
    /// it, and gives the parameters of p(y|x, a) and the modules that ran; the model card says which inputs and outputs it has. Raises UserException where a
    /// layer or the method cannot be written as ONNX.
    /// Example: `Trained.export_onnx "runs/mnist" "mnist-weights"`
    let export_onnx (folder: string) (out: string) : unit = exported load true folder out

    /// The same with the weights of `best.safetensors`.
    /// Example: `Trained.export_best_onnx "runs/mnist" "mnist-weights"`
    let export_best_onnx (folder: string) (out: string) : unit = exported load_best true folder out

    /// A network with its data. Where nobody has asked for other data than the run's, they must still be those that it learned from.
    let private withSource (source: Source) (trained: TrainedNetwork) : TrainedRun =
        let folder = trained.Origin.Folder

        if folder <> "" && (experiment folder).Data = trained.Experiment.Data then
            LearnedData.demand
                folder
                source.Splits.Identity
                "put the data back; numbers that are measured on others would not be of this run"

        {
            Experiment = trained.Experiment
            Source = source
            Graph = trained.Graph
            Evaluating = trained.Evaluating
            Device = trained.Device
        }

    /// Loads a trained network's data for an action, and frees them after it. Raises UserException where they are gone, or others than those that the
    /// network learned from.
    let internal withData (trained: TrainedNetwork) (action: CheckedExperiment -> TrainedRun -> 'Result) : 'Result =
        let sound = Check.experiment trained.Experiment |> Refusal.orRaise
        let source = Source.load sound
        use _splits = source.Splits
        trained |> withSource source |> action sound

    /// The same as `within`, with a changed experiment: another device, or the code and arrays of the run's script, which its folder does not hold.
    /// Example: `Trained.within_as (Experiment.with_code_of run) "runs/mine" (fun run -> Seq.length (run.Graph.parameters ()))`
    let within_as (change: Experiment -> Experiment) (folder: string) (action: TrainedRun -> 'Result) : 'Result =
        Machine.EnsureReady()
        let sound = experiment folder |> alone folder |> change |> Check.experiment |> Refusal.orRaise
        let source = Source.load sound
        use _splits = source.Splits
        use trained = opened newest false folder sound.Experiment sound.Plan

        trained |> withSource source |> action

    /// Opens a run for an action and gives the action's result; the run's graph and data are freed after it. Raises UserException where the folder holds no
    /// run, or its data are gone, or are no longer those that it learned from.
    /// Example: `Trained.within "runs/mnist" (fun run -> Seq.length (run.Graph.parameters ()))`
    let within (folder: string) (action: TrainedRun -> 'Result) : 'Result = within_as id folder action

    /// The sections about its kind of data that the run's own report opens with. Raises
    /// UserException where the folder holds no run, or its data are gone.
    let internal sections (change: Experiment -> Experiment) (folder: string) : Section list =
        within_as change folder (fun run -> (run.Source.Judge run.Graph run.Evaluating run.Device).Sections folder)
