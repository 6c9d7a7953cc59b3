/// `./modnet reproduce` as a user starts it.
module ModNet.Tests.StudyCommandTests

open System
open System.IO
open Expecto
open ModNet
open ModNet.Cli
open ModNet.Tests.Clone
open ModNet.Tests.Signals

/// A folder with a script of a study in it.
let private withStudy (steps: int) (action: string -> string -> unit) =
    inDirectory
    <| fun home ->
        let load = Path.Combine(root, "notebooks", "modnet.fsx")

        let script =
            write
                home
                "small.fsx"
                $"""#load @"{load}"
open ModNet
let toy = network "toy" {{ features 2; modular {{ modules 2; unit (linear 2) }}; gaussian (variance 0.1) }}
let length (scale: Scale) = scale.Pick({steps}, 5)
study "small" {{
    title "A small study"
    rows [
        row "first" {{
            paper 0.5
            run (fun scale -> experiment {{ net toy; data (toy_regression {{ points 128 }}); train (em {{ steps (length scale) }}); checkpoint_every 50 }})
        }}
        row "second" {{
            run (fun scale -> experiment {{ net toy; data (toy_regression {{ points 128 }}); train (static_modules {{ steps (length scale) }}); checkpoint_every 50 }})
        }}
    ]
    measure "squared error" (fun run -> run.Test.SquaredError)
}}
|> Study.main fsi.CommandLineArgs
"""

        action home script

[<Tests>]
let tests =
    testSequenced
    <| testList "reproduce" [
        testCase "a quick version is labelled in terminal, folder, results and report"
        <| fun () ->
            withStudy 100_000
            <| fun home script ->
                let out = Path.Combine(home, "out")

                let code, output, errors = modnet [ "reproduce"; script; "--quick"; "--out"; out; "--threads"; "1" ]

                Expect.equal code 0 errors
                Expect.stringContains output "run 1 of 2: quick version, first, seed 1" "which run"
                Expect.stringContains output "quick version, second, seed 1 · step 5/5" "progress"
                Expect.stringContains output "A small study – quick version" "table"
                Expect.isTrue (File.Exists(Path.Combine(home, "results", "small-quick.json"))) "results"
                let report = File.ReadAllText(Path.Combine(out, "small-quick", "report.html"))
                Expect.stringContains report "A small study – quick version" "report"
                Expect.stringContains report "href=\"./first/seed-1/report.html\"" "its runs' reports"

        testCase "a signal ends it after the step, and the same command goes on"
        <| fun () ->
            withStudy 3_000
            <| fun home script ->
                let out = Path.Combine(home, "out")
                let words = [ "reproduce"; script; "--rows"; "first"; "--out"; out; "--threads"; "1" ]
                use running = start words
                let errors = running.StandardError.ReadToEndAsync()

                let rec untilTraining () =
                    match running.StandardOutput.ReadLine() with
                    | null -> failtest $"ended before training: {errors.Result}"
                    | line when line.Contains "steps/s" -> ()
                    | _ -> untilTraining ()

                untilTraining ()

                send Signal.Terminate running
                let rest = running.StandardOutput.ReadToEnd()
                running.WaitForExit()
                Expect.equal running.ExitCode 130 $"exit code: {rest}{errors.Result}"
                Expect.stringContains rest "unfinished: first, seed 1: " "listed as unfinished"
                Expect.stringContains rest "stopped; to go on: ./modnet reproduce small --rows first" "how to go on"

                let code, output, errors = modnet words
                Expect.equal code 0 errors
                Expect.isFalse (output.Contains "· step 0 ·") "it does not begin anew"
                let file = (StudyStore.read (Path.Combine(home, "results", "small.json"))).Value
                Expect.isTrue file.Entries.Head.Finished "finished"

        testCase "a run that cannot be done is told of, and the others are done"
        <| fun () ->
            withStudy 20
            <| fun home script ->
                let out = Path.Combine(home, "out")
                let taken = Path.Combine(out, "small", "first", "seed-1")
                Directory.CreateDirectory taken |> ignore

                use _held =
                    new FileStream(
                        Path.Combine(taken, "run.lock"),
                        FileMode.Create,
                        FileAccess.ReadWrite,
                        FileShare.None
                    )

                let code, output, errors = modnet [ "reproduce"; script; "--out"; out; "--threads"; "1" ]

                Expect.equal code 1 output
                Expect.stringContains errors "first, seed 1: " "which run"
                Expect.stringContains errors "a folder that no run is at work in" "why"
                Expect.stringContains output "second, seed 1 · step 20/20" "the other row"
                let file = (StudyStore.read (Path.Combine(home, "results", "small.json"))).Value
                Expect.equal [ for entry in file.Entries -> entry.Row, entry.Finished ] [ "second", true ] "results"

        testCase "mistakes have one message and an exit code"
        <| fun () ->
            CommandHost.refused 2 [ "reproduce" ] [ "reproduce needs a NAME first" ]
            CommandHost.refused 2 [ "reproduce"; "fig33" ] [ "there is no study fig33 – did you mean fig3?"; "table1" ]
            CommandHost.refused 1 [ "reproduce"; "nowhere.fsx" ] [ "nowhere.fsx: expected an .fsx file" ]

            withStudy 10
            <| fun _ script ->
                refused 2 [ "reproduce"; script; "--seeds"; "1,x" ] [
                    "--seeds: expected whole numbers with commas between, got 1,x"
                ]

                refused 2 [ "reproduce"; script; "--quik" ] [ "there is no --quik here – did you mean --quick?" ]

                refused 1 [ "reproduce"; script; "--rows"; "third" ] [
                    "expected rows of small (first, second), got third"
                ]

        testCase "every study in notebooks is sound"
        <| fun () ->
            let studies = ModNet.Cli.RegisteredStudies.all () |> List.map snd |> Array.ofList

            let declared =
                Directory.GetFiles(Path.Combine(root, "notebooks"), "*.fsx")
                |> Array.filter (fun path -> (File.ReadAllText path).Contains "Study.main")

            Expect.equal (Array.sort declared) (Array.sort studies) "notebooks/studies.txt names every one"

            // A process for each takes five seconds to start. In one, each is a script that the process loads, and that gives its exit code in
            // place of ending it.
            inDirectory
            <| fun directory ->
                let ending = "|> Study.main fsi.CommandLineArgs"

                for script in Directory.GetFiles(Path.Combine(root, "notebooks"), "*.fsx") do
                    let text = File.ReadAllText script
                    let name = Path.GetFileName script
                    let isStudy = Array.contains script studies
                    Expect.equal (text.TrimEnd().EndsWith ending) isStudy $"{name} ends as a study, or is none"

                    let own = Path.Combine(root, "artifacts")
                    let code = $"|> Study.code fsi.CommandLineArgs |> printfn \"{name}: exit code %%d\""
                    write directory name (text.Replace("\"../artifacts", $"\"{own}").Replace(ending, code)) |> ignore

                let all =
                    write
                        directory
                        "all.fsx"
                        (String.concat "\n" [ for script in studies -> $"#load \"{Path.GetFileName script}\"" ])

                let code, output, errors = modnet [ "check"; all ]
                Expect.equal code 0 $"{output}{errors}"

                for script in studies do
                    Expect.stringContains output $"{Path.GetFileName script}: exit code 0\n" output

                for row in [ "em-15-1: EM, M = 15, K = 1; seeds 1, 2, 3"; "topk-5: "; "static-3: " ] do
                    Expect.stringContains output row "a row of Table 1"
    ]
