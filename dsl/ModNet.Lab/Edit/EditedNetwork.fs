namespace ModNet

open System.Collections.Generic
open ModNet.Runtime
open TorchSharp

/// Makes the networks that edits give.
[<RequireQualifiedAccess>]
module internal EditedNetwork =

    /// A network of an experiment, with the state that `stateOf` makes for its fresh graph; `originOf` says how many steps it has had, and where it is from.
    let private ofState
        (experiment: Experiment)
        (plan: Plan)
        (preparation: Preparation option)
        (averaged: bool)
        (stateOf: Graph -> RunState)
        (originOf: RunState -> int64 * Origin)
        : TrainedNetwork =
        Trained.made experiment plan preparation (fun graph ->
            let state = stateOf graph

            try
                state.Load(graph, averaged)
                originOf state
            with _ ->
                state.Dispose()
                reraise ())

    let private after (run: TrainedNetwork) (step: EditStep) (state: RunState) =
        run.Step, new Origin(run.Origin.Folder, lazy state, run.Edits @ [ step ])

    /// A copy of the network, edited in nothing.
    let copy (run: TrainedNetwork) : TrainedNetwork =
        let state (_: Graph) = run.Origin.State.With(RunState.Owned run.Origin.State.Tensors)
        let origin state = run.Step, new Origin(run.Origin.Folder, lazy state, run.Edits)
        ofState run.Experiment run.Plan run.Preparation true state origin

    /// The network after an edit: of this experiment, with the state that `change` makes of the old one and of the new graph.
    let make
        (step: EditStep)
        (experiment: Experiment)
        (change: Graph -> Dictionary<string, torch.Tensor>)
        (run: TrainedNetwork)
        : TrainedNetwork =
        let plan = Check.plan experiment.Network |> Refusal.orRaise
        let state (graph: Graph) = run.Origin.State.With(change graph)
        ofState experiment plan run.Preparation true state (after run step)

    /// The network with another experiment and the state as it is.
    let withExperiment (step: EditStep) (experiment: Experiment) (run: TrainedNetwork) : TrainedNetwork =
        make step experiment (fun _ -> RunState.Owned run.Origin.State.Tensors) run

    let private ofWeights (source: TrainedNetwork) (weights: Graph -> Dictionary<string, torch.Tensor>) (graph: Graph) =
        new RunState(weights graph, Dictionary(), source.Origin.State.Source)

    /// A part of a network as a network of its own, with weights alone.
    let part
        (preparation: Preparation option)
        (step: EditStep)
        (network: Network)
        (data: Data)
        (weights: Graph -> Dictionary<string, torch.Tensor>)
        (run: TrainedNetwork)
        : TrainedNetwork =
        let experiment = { run.Experiment with Network = network; Data = data; Frozen = []; Out = None }
        let plan = Check.plan network |> Refusal.orRaise
        ofState experiment plan preparation false (ofWeights run weights) (after run step)

    /// A loaded network that came of these edits of another one.
    let descended (edits: EditStep list) (loaded: TrainedNetwork) : TrainedNetwork =
        use loaded = loaded

        ofState
            loaded.Experiment
            loaded.Plan
            loaded.Preparation
            true
            (fun _ -> RunState.Owned loaded.Origin.State.Tensors |> loaded.Origin.State.With)
            (fun state -> loaded.Step, new Origin(loaded.Origin.Folder, lazy state, edits))

    /// A network of an experiment that has had no step, with weights of which some are another network's.
    let start
        (step: EditStep)
        (sound: CheckedExperiment)
        (weights: Graph -> Dictionary<string, torch.Tensor>)
        (source: TrainedNetwork)
        : TrainedNetwork =
        ofState sound.Experiment sound.Plan None false (ofWeights source weights) (fun state ->
            0L, new Origin("", lazy state, [ step ]))
