namespace ModNet

open System.ComponentModel

/// A field of an experiment that has not been said yet.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type Missing = internal | Missing

/// An experiment half said. What is still missing is in its type, so that the compiler refuses an incomplete one.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type ExperimentDraft<'Network, 'Data, 'Method> = internal {
    DraftNetwork: 'Network
    DraftData: 'Data
    DraftMethod: 'Method
    DraftSeed: int
    DraftLogEvery: int
    DraftValidateEvery: int
    DraftOut: string option
}

/// Sets an experiment's fields; made by `experiment`.
[<Sealed>]
type ExperimentBuilder internal () =

    let empty = {
        DraftNetwork = Missing
        DraftData = Missing
        DraftMethod = Missing
        DraftSeed = 1
        DraftLogEvery = 10
        DraftValidateEvery = 500
        DraftOut = None
    }

    /// The network to train.
    /// Example: `net lm`
    [<CustomOperation "net">]
    member _.Net(draft: ExperimentDraft<'Network, 'Data, 'Method>, network: Network) = {
        DraftNetwork = network
        DraftData = draft.DraftData
        DraftMethod = draft.DraftMethod
        DraftSeed = draft.DraftSeed
        DraftLogEvery = draft.DraftLogEvery
        DraftValidateEvery = draft.DraftValidateEvery
        DraftOut = draft.DraftOut
    }

    /// The data to train and validate on.
    /// Example: `data (text "data/ptb" { window 35 })`
    [<CustomOperation "data">]
    member _.Data(draft: ExperimentDraft<'Network, 'Data, 'Method>, data: Data) = {
        DraftNetwork = draft.DraftNetwork
        DraftData = data
        DraftMethod = draft.DraftMethod
        DraftSeed = draft.DraftSeed
        DraftLogEvery = draft.DraftLogEvery
        DraftValidateEvery = draft.DraftValidateEvery
        DraftOut = draft.DraftOut
    }

    /// The training method.
    /// Example: `train (em { steps 3_000 })`
    [<CustomOperation "train">]
    member _.Train(draft: ExperimentDraft<'Network, 'Data, 'Method>, method: Method) = {
        DraftNetwork = draft.DraftNetwork
        DraftData = draft.DraftData
        DraftMethod = method
        DraftSeed = draft.DraftSeed
        DraftLogEvery = draft.DraftLogEvery
        DraftValidateEvery = draft.DraftValidateEvery
        DraftOut = draft.DraftOut
    }

    /// The one number from which all chance comes; 1 unless said.
    /// Example: `seed 1`
    [<CustomOperation "seed">]
    member _.Seed(draft: ExperimentDraft<'Network, 'Data, 'Method>, seed: int) = { draft with DraftSeed = seed }

    /// A line of metrics every so many M-steps, ≥ 1; 10 unless said.
    /// Example: `log_every 10`
    [<CustomOperation "log_every">]
    member _.LogEvery(draft: ExperimentDraft<'Network, 'Data, 'Method>, steps: int) = {
        draft with
            DraftLogEvery = steps
    }

    /// Validation every so many M-steps, ≥ 1; 500 unless said.
    /// Example: `validate_every 500`
    [<CustomOperation "validate_every">]
    member _.ValidateEvery(draft: ExperimentDraft<'Network, 'Data, 'Method>, steps: int) = {
        draft with
            DraftValidateEvery = steps
    }

    /// The run's folder; `runs/` and the network's name unless said.
    /// Example: `out "runs/ptb"`
    [<CustomOperation "out">]
    member _.Out(draft: ExperimentDraft<'Network, 'Data, 'Method>, folder: string) = {
        draft with
            DraftOut = Some folder
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Zero() = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(_: unit) = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Delay(settings: unit -> ExperimentDraft<'Network, 'Data, 'Method>) = settings ()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: ExperimentDraft<Network, Data, Method>) : Experiment = {
        Network = draft.DraftNetwork
        Data = draft.DraftData
        Method = draft.DraftMethod
        Seed = draft.DraftSeed
        LogEvery = draft.DraftLogEvery
        ValidateEvery = draft.DraftValidateEvery
        Out = draft.DraftOut
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.IncompleteExperiment, WrongChild.Code, IsError = true)>]
    member _.Run(_: ExperimentDraft<'Network, 'Data, 'Method>) : Experiment =
        invalidOp WrongChild.IncompleteExperiment

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Experiment, WrongChild.Code, IsError = true)>]
    member _.Yield(_: 'Other) = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Experiment, WrongChild.Code, IsError = true)>]
    member _.Combine(_: 'First, _: 'Second) = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Experiment, WrongChild.Code, IsError = true)>]
    member _.For(_: 'First, _: 'Second) = empty

[<AutoOpen>]
module Experiments =

    /// A network, its data and its training. `net`, `data` and `train` must be said.
    /// Settings: these, and `seed`, `log_every`, `validate_every`, `out`. Where one is said twice the last counts.
    /// Example: `experiment { net lm; data (text "data/ptb" { }); train (em { steps 3_000 }); seed 1 }`
    let experiment = ExperimentBuilder()
