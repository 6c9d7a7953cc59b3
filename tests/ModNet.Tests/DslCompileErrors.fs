/// What the compiler says of a script with something in a block that does not belong there.
module ModNet.Tests.DslCompileErrors

open System.Diagnostics
open Expecto
open ModNet

/// Lines and what the compiler must say of each.
let private wrong = [
    "network \"n\" { tokens 10; 5 }", "This is not a layer."
    "network \"n\" { tokens 10; words }", "This is not a layer."
    "network \"n\" { tokens 10; embed }", "This is not a layer."
    "network \"n\" { for i in 1..3 do string i }", "This is not a layer."
    "pool \"p\" { modules 3; linear 2 }", "This is not a setting of a pool."
    "pool \"p\" { linear 2; modules 3 }", "This is not a setting of a pool."
    "pool \"p\" { for m in 1..3 do modules m }", "This is not a setting of a pool."
    "modular { modules 2; relu }", "This is not a setting of a modular layer."
    "modular { from words; modules 3 }", "This layer has taken its pool with `from`"
    "modular { from words; unit (linear 2) }", "This layer has taken its pool with `from`"
    "modular { modules 3; from words }", "This layer has a pool already."
    "modular { combine \"sum\" }", "Combine"
    "modular { choose 1; hidden 3 }", "hidden"
    "em { samples 3; words }", "This is not a setting of em."
    "text \"t\" { window 3; words }", "This is not a setting of text."
    "toy_regression { words; points 3 }", "This is not a setting of toy_regression."
    "csv \"x\" { target \"y\"; words }", "This is not a setting of csv."
    "csv \"x\" { window 3 }", "window"
    "mnist \"d\" { held_out 5; words }", "This is not a setting of mnist or cifar10."
    "cifar10 \"d\" { for i in 1..3 do held_out i }", "This is not a setting of mnist or cifar10."
    "in_memory \"m\" { held_out 3 }", "Arrays in memory need `inputs`"
    "in_memory \"m\" { inputs (array2D [ [ 1.0f ] ]); words }", "This is not a setting of in_memory."
    "generated \"g\" { features 2; classes 2 }", "Generated data need"
    "generated \"g\" { features 2; words }", "This is not a setting of generated."
    "em { optimizer (Sgd 0.1) }", "float * float"
    "em { start Constant }", "Start"
    "experiment { net (network \"n\" { }); words }", "This is not a setting of an experiment."
    "experiment { data (text \"t\" { }); train (em { }) }", "An experiment needs all three of"
]

/// Lines on which the compiler must say nothing: whole networks and experiments on one line.
let private right = [
    "network \"n\" { features 2; modular { modules 2; unit (linear 2 |> no_bias); choose 1 }; gaussian (variance 0.1) }"
    "network \"n\" { tokens 9; embed 2; modular_gru { hidden 8; from words }; if true then softmax 9 }"
    "network \"n\" { features 2; for width in [ 3; 4 ] do linear width |> relu }"
    "experiment { net (network \"n\" { }); data (text \"t\" { window 3 }); train (em { steps 5; optimizer (Adam 1e-3) }); seed 1 }"
    "experiment { train (em { }); data (toy_regression { }); net (network \"n\" { }) }"
    "experiment { train (em { start Sweep; schedule (Warmup (5, Cosine)) }); data (mnist \"d\" { held_out 5 }); net (network \"n\" { }); device (Cuda 0); checkpoint_every 9 }"
    "csv \"x\" { target \"y\"; classes 3; features [ \"a\"; \"b\" ]; held_out 0.2; test 0.2; separator Tab }"
    "in_memory \"m\" { inputs (array2D [ [ 1.0f ] ]); classes 2 [| 1 |]; tasks 2 [| 0 |]; given (array2D [ [ 0 ] ]) }"
    "generated \"g\" { features 1; values 1; draw (fun random -> Datapoint.valued [| random.NextSingle() |] [| 1.0f |]) }"
]

/// What the compiler reports, line by line. One session serves all, since to start one takes seconds; it reads from
/// standard input, where an error does not keep it from the next line.
let private compile (lines: string list) =
    let start =
        ProcessStartInfo(
            "dotnet",
            [ "fsi"; "--nologo" ],
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true
        )

    use compiler = Process.Start start
    let output = compiler.StandardOutput.ReadToEndAsync()
    let errors = compiler.StandardError.ReadToEndAsync()

    for line in lines do
        compiler.StandardInput.WriteLine $"{line};;"

    compiler.StandardInput.Close()
    compiler.WaitForExit()
    output.Result |> ignore
    errors.Result.Split '\n'

[<Tests>]
let tests =
    testCase "DSL: the compiler refuses wrong children, in words"
    <| fun () ->
        let preamble = [
            $"#r @\"{typeof<Network>.Assembly.Location}\""
            "open ModNet"
            "let words = pool \"words\" { modules 15; unit (linear 8) }"
        ]

        let lines = [ for line in List.map fst wrong @ right -> $"let _ = {line}" ]
        let report = compile (preamble @ lines)

        let said index =
            let place = $"stdin({preamble.Length + index + 1},"

            report
            |> Array.tryFindIndex _.Contains(place)
            |> Option.map (fun at -> report[at .. at + 2] |> String.concat "\n")

        for index, (line, message) in List.indexed wrong do
            Expect.stringContains (Expect.wantSome (said index) $"an error for `{line}`") message line

        for index, line in List.indexed right do
            Expect.isNone (said (wrong.Length + index)) line
