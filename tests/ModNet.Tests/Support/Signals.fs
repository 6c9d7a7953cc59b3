/// Signals to other processes.
module ModNet.Tests.Signals

open System.Diagnostics
open System.Runtime.InteropServices

[<DllImport("libc", EntryPoint = "kill")>]
extern int private kill(int processId, int signal)

type Signal =
    | Interrupt = 2
    | Kill = 9
    | User1 = 10
    | Terminate = 15

/// Sends the signal to a process of ours that may have ended by itself.
let send (signal: Signal) (running: Process) : unit = kill (running.Id, int signal) |> ignore
