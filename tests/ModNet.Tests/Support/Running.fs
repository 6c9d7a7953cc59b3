/// Runs in this process, as the command line starts them.
module ModNet.Tests.Running

open System
open System.IO
open ModNet

/// What the action prints meanwhile is not shown.
let quietly (action: unit -> 'Result) =
    let before = Console.Out
    Console.SetOut TextWriter.Null

    try
        action ()
    finally
        Console.SetOut before

/// Checks an experiment and trains it.
let train (settings: Settings) (experiment: Experiment) =
    Check.experiment experiment |> Refusal.orRaise |> Train.run settings
