/// Runs in this process, as the command line starts them.
module ModNet.Tests.Running

open System
open System.IO

/// What the action prints meanwhile is not shown.
let quietly (action: unit -> 'Result) =
    let before = Console.Out
    Console.SetOut TextWriter.Null

    try
        action ()
    finally
        Console.SetOut before
