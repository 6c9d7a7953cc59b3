namespace ModNet

open System.IO
open ModNet.Runtime
open TorchSharp

/// A run as it was left: graph, weights and data, from spec and checkpoint.
type TrainedRun = {
    Experiment: Experiment
    Source: Source
    /// With the checkpoint's weights.
    Graph: Graph
    /// How modules are chosen in evaluation.
    Evaluating: Selector
    Device: torch.Device
}

/// Opens runs as they were left.
[<RequireQualifiedAccess>]
module Trained =

    /// What the action makes of a run, whose graph and data live as long as it takes. Raises UserException where the folder holds no
    /// run, or its data are gone.
    /// Example: `Trained.within "runs/mnist" (fun run -> Seq.length (run.Graph.parameters ()))`
    let within (folder: string) (action: TrainedRun -> 'Result) : 'Result =
        Machine.EnsureReady()
        let spec = Path.Combine(folder, "spec.json")

        if not (File.Exists spec) then
            raise (
                UserException(
                    folder,
                    "the folder of a run",
                    "one without spec.json",
                    "give the folder that --out named"
                )
            )

        match Experiment.of_json (File.ReadAllText spec) with
        | Error problem -> raise (UserException(spec, "the experiment of a run", $"{problem}", "run it anew"))
        | Ok experiment ->
            let device = Devices.find experiment.Device
            let source = Source.load experiment
            use _splits = source.Splits
            use streams = new RandomStreams(int64 experiment.Seed)

            use graph =
                Compile.graph (Initialiser(streams.Init, device = device)) streams.Dropout experiment.Network

            use method =
                CompileMethod.make experiment.Method graph source.Splits.Train streams device

            Checkpoint.LoadWeights(Path.Combine(folder, "checkpoint.safetensors"), graph)

            action {
                Experiment = experiment
                Source = source
                Graph = graph
                Evaluating = method.Evaluating
                Device = device
            }

    /// What the kind of data has to say of the trained graph: the sections that the run's own report opens with. Raises
    /// UserException where the folder holds no run, or its data are gone.
    let sections (folder: string) : Section list =
        within folder (fun run -> (run.Source.Judge run.Graph run.Evaluating run.Device).Sections folder)
