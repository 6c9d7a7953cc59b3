namespace ModNet

/// Finds everything that is wrong with a network or an experiment, without making a tensor.
[<RequireQualifiedAccess>]
module Check =

    let private result (notes: Notes) value =
        match notes.All with
        | [] -> Ok(value ())
        | diagnostics -> Error diagnostics

    /// The network with every name, shape and pool inferred, or all that is wrong with it, in order of place.
    let plan (network: Network) : Result<Plan, Diagnostic list> =
        let notes = Notes()
        let plan = Infer(network, notes).Plan
        result notes (fun () -> plan)

    /// The network's summary, or all that is wrong with it, in order of place.
    let network (network: Network) : Result<Summary, Diagnostic list> = plan network |> Result.map Summary.ofPlan

    /// The summary of the experiment's network, or all that is wrong with network, data and training, in this order.
    let experiment (experiment: Experiment) : Result<Summary, Diagnostic list> =
        let notes = Notes()
        let walk = Infer(experiment.Network, notes)
        let plan = walk.Plan
        CheckExperiment.check notes walk.Root plan experiment
        result notes (fun () -> Summary.ofPlan plan)

[<AutoOpen>]
module Checks =

    /// The network's summary, or all that is wrong with it, in order of place. No tensor is made.
    /// Example: `check lm`
    let check (network: Network) = Check.network network
