namespace ModNet

open System
open ModNet.Runtime

/// Whose datapoints an edit may treat otherwise.
type internal Touches =
    /// Nobody's: the network computes what it did.
    | Nothing
    /// Those whose path meets some of a pool's modules, by their numbers before the edit.
    | Modules of int list
    /// Everybody's.
    | Everything

/// One edit of a trained network.
type EditStep = internal {
    /// The edit as the command line says it: `exclude words 3`.
    Words: string
    /// The pool whose modules were edited, if any were.
    Pool: string option
    /// For every module of the pool after the edit the one that it comes from, −1 for a new one; empty where modules stayed as they were.
    From: int list
    Touches: Touches
} with

    override step.ToString() = step.Words

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module internal EditStep =

    /// An edit that leaves every pool the modules that it has.
    let ofNetwork (words: string) (touches: Touches) : EditStep = {
        Words = words
        Pool = None
        From = []
        Touches = touches
    }

    /// An edit that replaces what modules of a pool are, and leaves their number.
    let ofModules (words: string) (pool: string) (modules: int list) : EditStep = {
        Words = words
        Pool = Some pool
        From = []
        Touches = Modules modules
    }

    /// An edit after which a pool's modules come from those of before as the rows say.
    let ofRows (words: string) (pool: string) (rows: ModuleRows) (touches: Touches) : EditStep = {
        Words = words
        Pool = Some pool
        From = List.ofSeq rows.From
        Touches = touches
    }

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
