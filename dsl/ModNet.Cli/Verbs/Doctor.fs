namespace ModNet.Cli.Verbs

open ModNet
open ModNet.Cli
open ModNet.Runtime

/// `./modnet doctor`: what this machine has, and what it lacks.
[<RequireQualifiedAccess>]
module Doctor =

    let private help = "Say what the machine has and what it lacks: libtorch, threads, BLAS, SIMD, speed."

    /// Exit code 0 where ModNet can run, even if slowly; 1 where it cannot.
    let private run () : int =
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

    let verb = Verb.create "doctor" help [] [] (Action.Parsed(fun _ -> run ()))
