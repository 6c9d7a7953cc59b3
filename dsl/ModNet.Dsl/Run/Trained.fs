namespace ModNet

open System.IO
open ModNet.Runtime

/// Runs as they were left: graph, weights and data, from spec and checkpoint.
[<RequireQualifiedAccess>]
module Trained =

    /// What the kind of data has to say of the trained graph: the sections that the run's own report opens with. Raises
    /// UserException where the folder holds no run, or its data are gone.
    let sections (folder: string) : Section list =
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
            (source.Judge graph method.Evaluating device).Sections folder
