/// Runs on data whose datapoints have weights.
module ModNet.Tests.WeightedRunTests

open System.IO
open System.Text.Json.Nodes
open Expecto
open ModNet
open ModNet.Tests.Running

/// Two classes that lie one over the other: rows that say 0 are of weight 9, those that say 1 of weight 1, and some are of weight 0.
let private table (path: string) =
    File.WriteAllLines(
        path,
        "share,x,y"
        :: [
            for i in 1..80 do
                let weight =
                    if i % 8 = 0 then "0"
                    elif i % 2 = 0 then "9"
                    else "1"

                $"{weight},{i % 5},{(if i % 8 = 0 then 1 else i % 2)}"
        ]
    )

let private experimentOf (directory: string) (folder: string) (weighs: string option) (steps: int) =
    let source =
        csv (Path.Combine(directory, "d.csv")) {
            target "y"
            features [ "x" ]
            classes 2
        }

    let data' =
        match source with
        | Data.Csv table -> Data.Csv { table with Weight = weighs }
        | other -> other

    experiment {
        net (
            network "weighing" {
                features 1

                modular {
                    modules 2
                    unit (linear 3 |> tanh)
                }

                softmax 2
            }
        )

        data data'

        train (
            em {
                batch 16
                optimizer (Adam 0.05)
            }
        )

        log_every 10
        validate_every 20
        out (Path.Combine(directory, folder))
    }
    |> fun experiment -> { experiment with Method = experiment.Method.WithSteps steps }

let private run settings experiment = quietly (fun () -> Running.train settings experiment |> ignore)
let private resuming = { Settings.none with Resume = true }

[<Tests>]
let tests =
    testSequenced
    <| testList "runs by weights" [
        testInDirectory "weights decide what is learned, and what is measured"
        <| fun directory ->
            table (Path.Combine(directory, "d.csv"))
            run Settings.none (experimentOf directory "run" (Some "share") 150)
            let folder = Path.Combine(directory, "run")
            let summary = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "summary.json")))
            Expect.equal (summary["data"].["weightless"].GetValue<int>()) 10 "rows of weight 0"
            use trained = Trained.load folder
            let asked = Path.Combine(directory, "asked.csv")
            File.WriteAllLines(asked, [ "x"; "0"; "1"; "2"; "3"; "4" ])
            let out = Path.Combine(directory, "said.csv")
            Predicting.write trained None asked (Some out) Stream.Null |> ignore
            let said = File.ReadAllLines out |> Array.tail |> Array.map (fun line -> line.Split(',')[1])
            Expect.allEqual said "0" "the heavier class; of rows, there are more of the other one"

            // Of the held-out rows, those of class 0 have 9 parts of the weight.
            let experiment = experimentOf directory "run" (Some "share") 150
            use splits = (Source.load (Check.experiment experiment |> Refusal.orRaise)).Splits

            let weights, classes = numbers splits.Validation[0].Side.Weights, integers splits.Validation[0].Targets

            let right = Array.zip weights classes |> Array.sumBy (fun (w, c) -> if c = 0 then w else 0.0)

            Expect.floatClose
                Accuracy.high
                (summary["validation"].["accuracy"].GetValue<float>())
                (right / Array.sum weights)
                "accuracy by weights"

        testInDirectory "check tells of weights"
        <| fun directory ->
            table (Path.Combine(directory, "d.csv"))
            let sound = experimentOf directory "run" (Some "share") 20 |> Check.experiment |> Refusal.orRaise

            Expect.stringContains
                (Declared.all sound "run" false)
                "csv: 42 training, 14 validation, 14 test datapoints; 10 of weight 0 left out; weights from 1 to 9; 2 classes (0, 1)"
                "the line of the data"

        testInDirectory
            "a run by weights that is resumed ends as one that was not, and goes on by the same weights only"
        <| fun directory ->
            table (Path.Combine(directory, "d.csv"))
            let experiment = experimentOf directory
            run Settings.none (experiment "whole" (Some "share") 60)
            run Settings.none (experiment "halves" (Some "share") 30)

            complains (fun () -> run resuming (experiment "halves" None 60)) [ "$.data.weight" ]

            run resuming (experiment "halves" (Some "share") 60)

            let parameters (folder: string) =
                use trained = Trained.load (Path.Combine(directory, folder))
                [ for name, parameter in Slopes.parameters trained.Graph -> name, numbers parameter ]

            Expect.equal (parameters "halves") (parameters "whole") "the same to the last bit"

        testInDirectory "so does one on arrays"
        <| fun directory ->
            let arrays last steps =
                let experiment = Arrays.line directory (Arrays.weighted last)
                { experiment with Method = experiment.Method.WithSteps steps }

            run Settings.none (arrays 2.0f 2)
            complains (fun () -> run resuming (arrays 3.0f 4)) [ "$.data.checksum" ]
            run resuming (arrays 2.0f 4)
    ]
