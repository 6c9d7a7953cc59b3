namespace ModNet

/// An experiment in which `check` found nothing wrong; `Check.experiment` makes it, and nothing else does.
[<Sealed>]
type CheckedExperiment internal (experiment: Experiment, plan: Plan, players: Plan list) =
    let summary = lazy (Summary.ofPlan plan)
    let all = lazy (if players.IsEmpty then [ summary.Value ] else List.map Summary.ofPlan players)

    member _.Experiment = experiment
    /// The network with every name, shape and pool inferred; of a game that of its first player.
    member _.Plan = plan
    /// The same of the players of a game, in order; empty where there are none.
    member _.Players = players
    /// What the network costs, layer by layer; of a game what its first player costs.
    member _.Summary = summary.Value
    /// What every network costs: one, or those of a game's players.
    member _.Summaries = all.Value

    /// Two are equal whose experiments are.
    override _.Equals(other: obj) =
        match other with
        | :? CheckedExperiment as other -> other.Experiment = experiment
        | _ -> false

    override _.GetHashCode() = hash experiment
    override experiment.ToString() = experiment.Summaries |> List.map string |> String.concat "\n\n"

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

        match experiment.Method with
        | Method.Game game ->
            let plans = CheckGame.check notes experiment game
            result notes (fun () -> CheckedExperiment(experiment, plans.Head, plans))
        | _ ->
            let walk = Infer(experiment.Network, notes)
            let plan = walk.Plan
            CheckExperiment.check notes walk.Root plan experiment
            result notes (fun () -> CheckedExperiment(experiment, plan, []))

[<AutoOpen>]
module Checks =

    /// The network's summary, or all that is wrong with it, in order of place. No tensor is made.
    /// Example: `check lm`
    let check (network: Network) = Check.network network
