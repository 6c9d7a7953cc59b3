/// A process that holds a lock.
module ModNet.Tests.LockHolder

open System
open System.Diagnostics
open System.Reflection
open Expecto
open ModNet.Runtime

let private isHeld = "held"

/// The holder's side: holds the lock at the path until its standard input ends.
let hold (path: string) : int =
    use held = FileLock.TryTake(path, removes = true)
    let said = if isNull held then "not held" else isHeld
    // Expecto pads what is written as a line.
    Console.Out.Write $"{said}\n"
    Console.In.ReadToEnd() |> ignore
    0

/// Starts a process that holds the lock at the path, with these variables beside the environment's.
let start (environment: (string * string) list) (path: string) : Process =
    let start =
        ProcessStartInfo(
            Environment.ProcessPath,
            [ Assembly.GetExecutingAssembly().Location; "--hold"; path ],
            RedirectStandardInput = true,
            RedirectStandardOutput = true
        )

    for name, value in environment do
        start.Environment[name] <- value

    let running = Process.Start start
    Expect.equal (running.StandardOutput.ReadLine()) isHeld "the other process holds the lock"
    running
