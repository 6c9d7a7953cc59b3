namespace ModNet

/// Finds what is wrong with an experiment beyond its network.
module internal CheckExperiment =

    /// Notes what is wrong with how often a run looks, and with what it keeps.
    let settings (notes: Notes) root (plan: Plan) (experiment: Experiment) =
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

        // Evaluations and checkpoints are of the average of all shards, and must not change when it is taken.
        match experiment.Method.Gradient.LooseRounds with
        | Some round when round >= 1 ->
            for setting, steps in
                [ "validate_every", Some experiment.ValidateEvery; "checkpoint_every", experiment.CheckpointEvery ] do
                match steps with
                | Some steps when steps >= 1 && steps % round <> 0 ->
                    notes.Add(
                        Fault.MethodUnfit,
                        $"{root}/{setting}",
                        $"a multiple of {round}, the steps of a loose round",
                        string steps,
                        $"say {(steps / round + 1) * round}"
                    )
                | _ -> ()
        | _ -> ()

        notes.Positive($"{root}/keep_checkpoints", "a number of checkpoints", experiment.KeepCheckpoints) |> ignore

        FrozenParts.check notes $"{root}/frozen" plan experiment.Frozen

        for setting, datapoints in [ "trace_rows", experiment.Tracing.Rows; "trace_at_end", experiment.Tracing.AtEnd ] do
            notes.Positive($"{root}/{setting}", "a number of datapoints", datapoints) |> ignore

    /// Notes it all: data, training and settings, in this order.
    let check (notes: Notes) root (plan: Plan) (experiment: Experiment) =
        let rules = DataRules(notes, root, experiment.Network, plan, "data")
        Sources.check rules experiment.Data
        StreamRules.check notes root plan experiment.Data experiment.Method
        Methods.check { Notes = notes; Root = root; Plan = plan; Data = experiment.Data } experiment.Method
        settings notes root plan experiment
