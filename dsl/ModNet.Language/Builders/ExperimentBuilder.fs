namespace ModNet

open System.ComponentModel

module internal MissingOfExperiment =

    [<Literal>]
    let Message = "An experiment needs all three of `net`, `data` and `train`; one of them is missing here."

/// What an experiment says of its run.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type RunDraft = internal {
    Seed: int
    Device: Device
    LogEvery: int
    ValidateEvery: int
    CheckpointEvery: int option
    KeepCheckpoints: int
    KeepBest: bool
    Tracing: Tracing
    Frozen: string list
    Out: string option
}

/// An experiment half said. What is still missing is in its type, so that the compiler refuses an incomplete one.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type ExperimentDraft<'Network, 'Data, 'Method> = internal {
    DraftNetwork: 'Network
    DraftData: 'Data
    DraftMethod: 'Method
    DraftRun: RunDraft
}

/// Sets an experiment's fields; made by `experiment`.
[<Sealed>]
type ExperimentBuilder internal () =

    inherit
        SettingsBlock<ExperimentDraft<Missing, Missing, Missing>>(
            {
                DraftNetwork = Missing
                DraftData = Missing
                DraftMethod = Missing
                DraftRun = {
                    Seed = 1
                    Device = Cpu
                    LogEvery = 10
                    ValidateEvery = 500
                    CheckpointEvery = None
                    KeepCheckpoints = 2
                    KeepBest = true
                    Tracing = { Every = None; Rows = 128; AtEnd = 10_000 }
                    Frozen = []
                    Out = None
                }
            }
        )

    /// The network to train.
    /// Example: `net lm`
    [<CustomOperation "net">]
    member _.Net(draft: ExperimentDraft<'Network, 'Data, 'Method>, network: Network) = {
        DraftNetwork = network
        DraftData = draft.DraftData
        DraftMethod = draft.DraftMethod
        DraftRun = draft.DraftRun
    }

    /// The data to train and validate on.
    /// Example: `data (text "data/ptb" { window 35 })`
    [<CustomOperation "data">]
    member _.Data(draft: ExperimentDraft<'Network, 'Data, 'Method>, data: Data) = {
        DraftNetwork = draft.DraftNetwork
        DraftData = data
        DraftMethod = draft.DraftMethod
        DraftRun = draft.DraftRun
    }

    /// The training method.
    /// Example: `train (em { steps 3_000 })`
    [<CustomOperation "train">]
    member _.Train(draft: ExperimentDraft<'Network, 'Data, 'Method>, method: Method) = {
        DraftNetwork = draft.DraftNetwork
        DraftData = draft.DraftData
        DraftMethod = method
        DraftRun = draft.DraftRun
    }

    /// The one number from which all chance comes; 1 unless said.
    /// Example: `seed 1`
    [<CustomOperation "seed">]
    member _.Seed(draft: ExperimentDraft<'Network, 'Data, 'Method>, seed: int) = {
        draft with
            DraftRun = { draft.DraftRun with Seed = seed }
    }

    /// What tensors are computed on: `Cpu` or `Cuda index`; `Cpu` unless said.
    /// Example: `device (Cuda 0)`
    [<CustomOperation "device">]
    member _.Device(draft: ExperimentDraft<'Network, 'Data, 'Method>, device: Device) = {
        draft with
            DraftRun = { draft.DraftRun with Device = device }
    }

    /// A line of metrics every so many gradient steps, ≥ 1; 10 unless said.
    /// Example: `log_every 10`
    [<CustomOperation "log_every">]
    member _.LogEvery(draft: ExperimentDraft<'Network, 'Data, 'Method>, steps: int) = {
        draft with
            DraftRun = { draft.DraftRun with LogEvery = steps }
    }

    /// Validation every so many gradient steps, ≥ 1; 500 unless said.
    /// Example: `validate_every 500`
    [<CustomOperation "validate_every">]
    member _.ValidateEvery(draft: ExperimentDraft<'Network, 'Data, 'Method>, steps: int) = {
        draft with
            DraftRun = { draft.DraftRun with ValidateEvery = steps }
    }

    /// A checkpoint every so many gradient steps, ≥ 1; with every validation unless said. The end of a run has one in any case.
    /// Example: `checkpoint_every 2_000`
    [<CustomOperation "checkpoint_every">]
    member _.CheckpointEvery(draft: ExperimentDraft<'Network, 'Data, 'Method>, steps: int) = {
        draft with
            DraftRun = { draft.DraftRun with CheckpointEvery = Some steps }
    }

    /// How many checkpoints stay in the run's folder, ≥ 1; 2 unless said. The newest is `checkpoint.safetensors`, those before are
    /// `checkpoints/STEP.safetensors`; where the newest is damaged, `--resume` goes on from the one before.
    /// Example: `keep_checkpoints 5`
    [<CustomOperation "keep_checkpoints">]
    member _.KeepCheckpoints(draft: ExperimentDraft<'Network, 'Data, 'Method>, count: int) = {
        draft with
            DraftRun = { draft.DraftRun with KeepCheckpoints = count }
    }

    /// Whether the run's folder also holds `best.safetensors`: the checkpoint, of those at evaluations, with which the validation set was the most
    /// probable. `true` unless said, and of no effect where the data have no validation set. `Trained.load_best` opens it.
    /// Example: `keep_best false`
    [<CustomOperation "keep_best">]
    member _.KeepBest(draft: ExperimentDraft<'Network, 'Data, 'Method>, keep: bool) = {
        draft with
            DraftRun = { draft.DraftRun with KeepBest = keep }
    }

    /// A routing trace of training datapoints, `routing/STEP.safetensors`, before the first gradient step and after every so many,
    /// ≥ 1; none unless said. (Every run leaves one of held-out datapoints at its end, `routing.safetensors`.)
    /// Example: `trace_every 500`
    [<CustomOperation "trace_every">]
    member _.TraceEvery(draft: ExperimentDraft<'Network, 'Data, 'Method>, steps: int) = {
        draft with
            DraftRun.Tracing.Every = Some steps
    }

    /// The training datapoints in each trace of `trace_every`, ≥ 1, or all where there are fewer; 128 unless said. They are evenly
    /// spaced over the training set and the same every time. Of a text a datapoint is a window; where it
    /// carries state from window to window (`carry_state`), the first windows are taken instead.
    /// Example: `trace_rows 64`
    [<CustomOperation "trace_rows">]
    member _.TraceRows(draft: ExperimentDraft<'Network, 'Data, 'Method>, datapoints: int) = {
        draft with
            DraftRun.Tracing.Rows = datapoints
    }

    /// The datapoints in the routing trace at the end of the run, ≥ 1, or all where there are fewer; 10,000 unless said. They are of
    /// the validation set, else the test set, else the training set, evenly spaced over it (the first ones of a text that carries state).
    /// Example: `trace_at_end 2_000`
    [<CustomOperation "trace_at_end">]
    member _.TraceAtEnd(draft: ExperimentDraft<'Network, 'Data, 'Method>, datapoints: int) = {
        draft with
            DraftRun.Tracing.AtEnd = datapoints
    }

    /// The parts of the network that training leaves as they are, bit for bit, by the names that `check` shows: a layer, with its controller and its own
    /// pool if it has one; `LAYER/controller`; a pool; `POOL/MODULE`, one module, from 0. None unless said. Batch normalisation that is frozen
    /// normalises by its running averages, and dropout goes on.
    /// Example: `frozen [ "embed1"; "words/3" ]`
    [<CustomOperation "frozen">]
    member _.Frozen(draft: ExperimentDraft<'Network, 'Data, 'Method>, parts: string list) = {
        draft with
            DraftRun.Frozen = parts
    }

    /// The run's folder; `runs/` and the network's name unless said.
    /// Example: `out "runs/ptb"`
    [<CustomOperation "out">]
    member _.Out(draft: ExperimentDraft<'Network, 'Data, 'Method>, folder: string) = {
        draft with
            DraftRun = { draft.DraftRun with Out = Some folder }
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: ExperimentDraft<Network, Data, Method>) : Experiment = {
        Network = draft.DraftNetwork
        Data = draft.DraftData
        Method = draft.DraftMethod
        Seed = draft.DraftRun.Seed
        Device = draft.DraftRun.Device
        LogEvery = draft.DraftRun.LogEvery
        ValidateEvery = draft.DraftRun.ValidateEvery
        CheckpointEvery = draft.DraftRun.CheckpointEvery
        KeepCheckpoints = draft.DraftRun.KeepCheckpoints
        KeepBest = draft.DraftRun.KeepBest
        Tracing = draft.DraftRun.Tracing
        Frozen = draft.DraftRun.Frozen
        Out = draft.DraftRun.Out
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(MissingOfExperiment.Message, WrongChild.Code, IsError = true)>]
    member _.Run(_: ExperimentDraft<'Network, 'Data, 'Method>) : Experiment = invalidOp MissingOfExperiment.Message

[<AutoOpen>]
module Experiments =

    /// A network, its data and its training. `net`, `data` and `train` must be said.
    /// Settings: these, and `seed`, `device`, `log_every`, `validate_every`, `checkpoint_every`, `keep_checkpoints`, `keep_best`, `trace_every`,
    /// `trace_rows`, `trace_at_end`, `frozen`, `out`. Where one is said twice the last counts. Inside the block these words are settings and nothing else: a value of the script's own that is called `net`, `data`, `train`,
    /// `seed`, `device` or `out` is not seen there (error FS3095), so give it another name, such as `mine`.
    /// Example: `experiment { net lm; data (text "data/ptb" { }); train (em { steps 3_000 }); seed 1 }`
    let experiment = ExperimentBuilder()
