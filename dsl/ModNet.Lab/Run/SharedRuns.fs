namespace ModNet

open System
open System.IO
open ModNet.Runtime

/// What became of a run when its turn came.
[<RequireQualifiedAccess>]
type internal Turn =
    | Finished
    /// Ctrl-C or SIGTERM stopped it; all work is kept.
    | Stopped
    /// Another process is at it.
    | Elsewhere
    /// It could not be done, and a message told why.
    | Failed

/// How carrying out runs ended.
[<RequireQualifiedAccess>]
type internal RunsEnd =
    | Done
    /// Ctrl-C or SIGTERM stopped it; all work is kept.
    | Stopped
    /// Other processes are at some of the runs.
    | Shared
    /// Some runs could not be done, and messages told why; all others were done.
    | Failed

/// Runs that several processes share out among themselves, on this machine or on others that have the folder, too: a process takes a run by a lock beside the run's
/// folder. When a process dies, the run is free again, and whoever takes it goes on from its checkpoint.
[<RequireQualifiedAccess>]
module internal SharedRuns =

    let private beside (folder: string) (ending: string) : string =
        let folder = Path.GetFullPath folder
        Path.Combine(Path.GetDirectoryName folder, $".{Path.GetFileName folder}.{ending}")

    /// The lock of the run in a folder.
    let lockOf (folder: string) : string = beside folder "lock"

    /// Tells other processes that the run in a folder could not be done, and need not be tried again.
    let private failureOf (folder: string) : string = beside folder "failed"

    /// Whether a process found that the run in a folder cannot be done.
    let hasFailed (folder: string) : bool = File.Exists(failureOf folder)

    /// Has the runs in these folders tried again.
    let forgetFailures (folders: string list) : unit =
        for folder in folders do
            if hasFailed folder then File.Delete(failureOf folder)

    /// Trains the run in a folder by `train`, which says whether it got to the end, unless it is over or another process is at it. `makeReady` is called once the run is this
    /// process's own.
    let turn
        (folder: string)
        (name: string)
        (makeReady: unit -> unit)
        (isOver: unit -> bool)
        (train: unit -> bool)
        : Turn =
        let failed () =
            // The processes of one sweep share a terminal, where it was said already.
            if (Host.sweepToServe ()).IsNone then
                eprintfn $"{name}: another process could not do it: {PlainText.Read(failureOf folder)}"

            Turn.Failed

        // To take a lock on a file system that machines share costs a second.
        if isOver () then
            Turn.Finished
        elif hasFailed folder then
            failed ()
        else
            match FileLock.TryTake(lockOf folder, removes = true) with
            | null ->
                printfn $"{name}: {FileLock.HolderOf(lockOf folder)} is at it"
                Turn.Elsewhere
            | held ->
                use _held = held
                makeReady ()

                // Another process may have been at it since this one looked.
                if isOver () then
                    Turn.Finished
                elif hasFailed folder then
                    failed ()
                else
                    try
                        if train () then Turn.Finished else Turn.Stopped
                    with :? UserException as mistake ->
                        // The other runs go on; they may take hours, and do not need this one.
                        eprintfn $"{name}: {mistake.Message}"
                        WholeFile.Write(failureOf folder, mistake.Message)
                        Turn.Failed

    /// Gives each run its turn, in order. Those that other processes were at get another turn for as long as any of the others was done in the meantime: a process may have died.
    /// `turn` also takes the runs that wait behind a run.
    let carryOut (isStopped: unit -> bool) (turn: 'Run -> 'Run list -> Turn) (runs: 'Run list) : RunsEnd =
        let rec round (turns: Turn list) (elsewhere: 'Run list) (waiting: 'Run list) : RunsEnd =
            match waiting with
            | [] ->
                if not elsewhere.IsEmpty && List.contains Turn.Finished turns then
                    round (List.filter ((=) Turn.Failed) turns) [] (List.rev elsewhere)
                elif List.contains Turn.Failed turns then
                    RunsEnd.Failed
                elif elsewhere.IsEmpty then
                    RunsEnd.Done
                else
                    RunsEnd.Shared
            | _ when isStopped () -> RunsEnd.Stopped
            | run :: after ->
                match turn run after with
                | Turn.Stopped -> RunsEnd.Stopped
                | Turn.Elsewhere -> round turns (run :: elsewhere) after
                | ended -> round (ended :: turns) elsewhere after

        round [] [] runs
