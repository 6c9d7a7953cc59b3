/// What the command line says of mistakes, and with which exit code it ends.
module ModNet.Tests.MistakeTests

open System
open System.IO
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Clone

[<Tests>]
let tests =
    testSequenced
    <| testList "mistakes" [
        let ptb = Path.Combine("notebooks", "ptb.fsx")

        let script (name: string) (network: string) =
            testInDirectory name
            <| fun directory ->
                let path = Path.Combine(directory, "mine.fsx")
                let load = Path.Combine(root, "notebooks", "modnet.fsx")
                File.WriteAllText(path, $"#load @\"{load}\"\nopen ModNet\n{network}")

                let wanted =
                    network.Split('\n') |> Array.filter _.StartsWith("// expect: ") |> Array.map _.Substring(11)

                refused 1 [ "check"; path ] (List.ofArray wanted)

        testCase "a misspelt option"
        <| fun () -> refused 2 [ "demo"; "--stepz"; "3" ] [ "--stepz"; "did you mean --steps?"; "--help" ]

        testCase "a misspelt command"
        <| fun () -> CommandHost.refused 2 [ "trian" ] [ "trian"; "did you mean train?" ]

        testCase "a misspelt option of a script" <| fun () -> refused 2 [ "train"; ptb; "--stepz"; "3" ] [ "--stepz" ]

        testCase "a number that is none"
        <| fun () -> refused 2 [ "train"; ptb; "--modules"; "many" ] [ "--modules: expected a whole number, got many" ]

        testCase "no threads" <| fun () -> refused 1 [ "demo"; "--threads"; "0" ] [ "--threads"; "at least 1" ]

        testCase "no steps" <| fun () -> CommandHost.refused 1 [ "demo"; "--steps"; "0" ] [ "toy/train/steps" ]

        testCase "a length in steps and in epochs"
        <| fun () ->
            CommandHost.refused 2 [ "demo"; "--steps"; "3"; "--epochs"; "2" ] [ "--epochs"; "--steps"; "got both" ]

        testCase "a device that is not there"
        <| fun () -> CommandHost.refused 1 [ "demo"; "--device"; "tpu" ] [ "--device"; "tpu" ]

        testCase "a run folder that cannot be"
        <| fun () ->
            CommandHost.refused 1 [ "demo"; "--steps"; "1"; "--out"; "/proc/nowhere/run" ] [
                "/proc/nowhere/run"
                "--out"
            ]

        testCase "no script" <| fun () -> CommandHost.refused 2 [ "train" ] [ "SCRIPT" ]

        testCase "a script that is not there"
        <| fun () -> CommandHost.refused 1 [ "train"; "nowhere.fsx" ] [ "nowhere.fsx"; "nothing at that path" ]

        testCase "no data" <| fun () -> refused 1 [ "train"; ptb ] [ "--data" ]

        testCase "a data path that is not there"
        <| fun () -> refused 1 [ "train"; ptb; "--data"; "nowhere" ] [ "nowhere"; "--data" ]

        testInDirectory "an empty text"
        <| fun directory ->
            let path = Path.Combine(directory, "empty.txt")
            File.WriteAllText(path, "")
            refused 1 [ "train"; ptb; "--data"; path ] [ path; "empty file" ]

        testCase "K above M"
        <| fun () -> refused 1 [ "check"; ptb; "--modules"; "3"; "--choose"; "4" ] [ "modular_gru1"; "3"; "4" ]

        script
            "a pool used with two input widths"
            """
let shared = pool "shared" { modules 3; unit (linear 4) }
let net' =
    network "two-widths" {
        features 2
        modular { from shared }
        modular { from shared }
        gaussian (variance 1.0)
    }
experiment { net net'; data (toy_regression { }); train (em { steps 10 }) } |> Program.main fsi.CommandLineArgs
// expect: two-widths/modular2
// expect: shared
"""

        script
            "a type error"
            """
let net' = network "wrong" { features "two" }
// expect: mine.fsx(4,
// expect: does not compile
"""

        script
            "a value called like a setting"
            """
let data = toy_regression { }
let net' = network "toy" { features 2; gaussian (variance 1.0) }
experiment { net net'; data data; train (em { steps 10 }) } |> Program.main fsi.CommandLineArgs
// expect: FS3095
// expect: give a value of your own another name
// expect: does not compile
"""

        script
            "a CSV file that is not there"
            """
let net' = network "csv" { features 2; gaussian (variance 1.0) }
let mine = experiment { net net'; data (csv "nowhere.csv" { targets [ "a"; "b" ] }); train (em { steps 10 }) }
Script([| "mine.fsx"; "train" |]).Run mine
// expect: nowhere.csv: expected a CSV or Parquet file, got nothing at that path
"""
    ]
