namespace ModNet.Cli

open ModNet
open ModNet.Runtime

/// `./modnet doctor`: what this machine has, and what it lacks.
[<RequireQualifiedAccess>]
module Doctor =

    /// Exit code 0 where ModNet can run, even if slowly; 1 where it cannot.
    let run () : int =
        try
            Machine.EnsureReady()

            for struct (name, value) in Machine.Describe() do
                printfn $"%-16s{name}{value}"

            match List.ofSeq (Machine.Shortcomings()) with
            | [] -> printfn "nothing is missing"
            | shortcomings ->
                for shortcoming in shortcomings do
                    printfn $"slow: {shortcoming}"

            CommandLine.Exit.ok
        with :? UserException as missing ->
            printfn $"missing: {missing.Message}"
            CommandLine.Exit.failure
