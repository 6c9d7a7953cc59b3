namespace ModNet

open System
open ModNet.Runtime

/// One edit of a trained network.
type EditStep = internal {
    /// The edit as the command line says it: `exclude words 3`.
    Words: string
    /// The pool whose modules were edited; None where the edit concerns the whole network.
    Pool: string option
    /// For every module of the pool after the edit the one that it comes from, −1 for a new one; empty where modules stayed as they were.
    From: int list
    /// The modules, by their numbers before the edit, whose datapoints the edit may treat otherwise.
    Touched: int list
} with

    override step.ToString() = step.Words

/// Where the state of a trained network is, and what was edited since it was trained.
[<Sealed>]
type internal Origin(folder: string, state: Lazy<RunState>, steps: EditStep list) =
    /// The folder of the run.
    member _.Folder = folder
    /// What the run's checkpoint holds, edited.
    member _.State = state.Value
    /// The edits, in order.
    member _.Steps = steps

    interface IDisposable with
        member _.Dispose() = if state.IsValueCreated then state.Value.Dispose()
