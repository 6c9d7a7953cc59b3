/// Runs in this process, as the command line starts them.
module ModNet.Tests.Running

open System
open System.IO
open ModNet

/// A command line that says nothing about the run.
let unset: Settings = {
    Data = None
    Vocabulary = None
    Steps = None
    Seed = None
    Out = None
    LogEvery = None
    ValidateEvery = None
    CheckpointEvery = None
    TraceEvery = None
    Threads = None
    Device = None
    Resume = false
    Command = "test"
}

/// What the action prints meanwhile is not shown.
let quietly (action: unit -> 'Result) =
    let before = Console.Out
    Console.SetOut TextWriter.Null

    try
        action ()
    finally
        Console.SetOut before
