namespace ModNet

/// Finds what is wrong with an experiment beyond its network.
module internal CheckExperiment =

    let private data (rules: DataRules) data =
        match data with
        | Data.Text text ->
            rules.Text text
            None, None
        | Data.ToyRegression toy ->
            rules.Toy toy
            None, None
        | Data.Csv csv ->
            rules.Csv csv
            csv.Task |> Option.map (fun _ -> None), None
        | Data.Mnist images ->
            rules.Images("MNIST", images, Shape.Image(1, 28, 28), 60_000)
            None, None
        | Data.Cifar10 images ->
            rules.Images("CIFAR-10", images, Shape.Image(3, 32, 32), 50_000)
            None, None
        | Data.InMemory data ->
            rules.InMemory data
            Option.map Some data.Tasks, data.Given
        | Data.Generated data ->
            rules.Generated data
            Option.map Some data.Tasks, data.Given

    /// Notes it all: data, training and settings, in this order.
    let check (notes: Notes) root (plan: Plan) (experiment: Experiment) =
        let rules = DataRules(notes, root, experiment.Network, plan)
        let tasks, given = data rules experiment.Data
        rules.Tasks tasks
        rules.Given given

        match experiment.Method with
        | Method.Em em -> TrainingRules.em notes root experiment.Data em
        | Method.Reinforce reinforce -> TrainingRules.reinforce notes root experiment.Data reinforce
        | Method.NoisyTopK mixture ->
            TrainingRules.noisyTopK notes root experiment.Data mixture
            MethodRules.noisyTopK notes root plan mixture
        | Method.StaticModules gradient -> TrainingRules.gradient notes root experiment.Data gradient
        | Method.Exact gradient ->
            TrainingRules.gradient notes root experiment.Data gradient
            MethodRules.exact notes root plan experiment.Data

        match experiment.Device with
        | Cuda index when index < 0 ->
            notes.Add(
                Fault.DeviceOutOfRange,
                $"{root}/device",
                "an index ≥ 0 for `Cuda`",
                string index,
                "the first device is `Cuda 0`"
            )
        | _ -> ()

        for setting, steps in
            [
                "log_every", Some experiment.LogEvery
                "validate_every", Some experiment.ValidateEvery
                "checkpoint_every", experiment.CheckpointEvery
                "trace_every", experiment.Tracing.Every
            ] do
            steps
            |> Option.iter (fun steps -> notes.Positive($"{root}/{setting}", "a number of M-steps", steps) |> ignore)

        notes.Positive($"{root}/keep_checkpoints", "a number of checkpoints", experiment.KeepCheckpoints) |> ignore

        for setting, datapoints in [ "trace_rows", experiment.Tracing.Rows; "trace_at_end", experiment.Tracing.AtEnd ] do
            notes.Positive($"{root}/{setting}", "a number of datapoints", datapoints) |> ignore
