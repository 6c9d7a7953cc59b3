namespace ModNet

/// An experiment in which `check` found nothing wrong; `Check.experiment` makes it, and nothing else does.
[<Sealed>]
type CheckedExperiment internal (experiment: Experiment, plan: Plan) =
    let summary = lazy (Summary.ofPlan plan)

    member _.Experiment = experiment
    /// The network with every name, shape and pool inferred.
    member _.Plan = plan
    /// What the network costs, layer by layer.
    member _.Summary = summary.Value

    /// Two are equal whose experiments are.
    override _.Equals(other: obj) =
        match other with
        | :? CheckedExperiment as other -> other.Experiment = experiment
        | _ -> false

    override _.GetHashCode() = hash experiment
    override experiment.ToString() = string experiment.Summary

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

    /// The experiment as one that can be trained, or all that is wrong with network, data and training, in this order.
    /// Example: `Check.experiment run`
    let experiment (experiment: Experiment) : Result<CheckedExperiment, Diagnostic list> =
        let notes = Notes()
        let walk = Infer(experiment.Network, notes)
        let plan = walk.Plan
        CheckExperiment.check notes walk.Root plan experiment
        result notes (fun () -> CheckedExperiment(experiment, plan))

[<AutoOpen>]
module Checks =

    /// The network's summary, or all that is wrong with it, in order of place. No tensor is made.
    /// Example: `check lm`
    let check (network: Network) = Check.network network
