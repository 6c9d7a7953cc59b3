/// `predict`: what a run's network says of a file.
module ModNet.Tests.PredictVerbTests

open System
open System.Globalization
open System.IO
open System.Text.Json.Nodes
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.CommandHost
open TorchSharp

/// Lines without quotes in them.
let private table (text: string) =
    let lines = text.TrimEnd().Split '\n' |> Array.map _.Split(',')
    lines[0], lines[1..]

let private number (text: string) = Double.Parse(text, CultureInfo.InvariantCulture)

[<Tests>]
let tests =
    testSequenced
    <| testList "using runs" [
        testInDirectory "predict: classes by name, probabilities and modules, as CSV and as JSON lines"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            let asked = Path.Combine(directory, "asked.csv")
            let flowers = SmallRuns.flowers 40
            // Columns in another order, one of which the network knows nothing of, and classes with a comma.
            File.WriteAllLines(
                asked,
                "species,name,width,length"
                :: [ for long, wide, name, species in flowers -> $"{SmallRuns.quoted species},{name},{wide},{long}" ]
            )

            let out = Path.Combine(directory, "said.jsonl")
            let _, errors = succeeds [ "predict"; folder; "--data"; asked; "--out"; out ]
            let said = File.ReadAllLines out |> Array.map (fun line -> JsonNode.Parse(line).AsObject())
            Expect.hasLength said 40 "a line for each row"
            let text (row: JsonObject) (name: string) = row[name].GetValue<string>()
            let species = [| for _, _, _, species in flowers -> species |]
            Expect.equal [| for row in said -> text row "target" |] species "targets"
            let right = said |> Array.filter (fun row -> text row "predicted" = text row "target")
            Expect.isGreaterThan right.Length 35 "the network has learned them"
            let share = float right.Length / 40.0
            Expect.stringContains errors ("accuracy " + share.ToString("0.00 %", CultureInfo.InvariantCulture)) errors

            for place, row in Array.indexed said do
                Expect.equal (row["row"].GetValue<int>()) (place + 1) "the row's number"
                let probability = row["probability"].AsObject()
                let of' (name: string) = probability[name].GetValue<float>()
                Expect.floatClose Accuracy.medium (of' "setosa" + of' "virginica, blue") 1.0 "a distribution"
                let best = if of' "setosa" > of' "virginica, blue" then "setosa" else "virginica, blue"
                Expect.equal (text row "predicted") best "the most probable"
                let likelihood = row["log_likelihood"].GetValue<float>()
                Expect.floatClose Accuracy.medium (exp likelihood) (of' (text row "target")) "log p"
                let sites = row["modules"].AsObject()
                let modules = [ for m in sites["modular1"].AsArray() -> m.GetValue<int>() ]
                Expect.isTrue (modules.Length = 2 && List.forall (fun m -> m >= 0 && m < 3) modules) "K of M modules"

            // Without targets, to the output.
            File.WriteAllLines(asked, "width,length" :: [ for long, wide, _, _ in flowers -> $"{wide},{long}" ])
            let output, errors = succeeds [ "predict"; folder; "--data"; asked; "--best" ]
            Expect.equal errors "" "nothing to tell"

            Expect.equal
                (output.Split('\n')[0])
                "row,predicted,probability:setosa,\"probability:virginica, blue\",modules:modular1"
                "the header"

            Expect.equal (output.TrimEnd().Split('\n').Length) 41 "a line for each row, and the header"
            use best = Trained.load_best folder

            scoped
            <| fun () ->
                let x =
                    torch
                        .tensor(
                            [|
                                for long, wide, _, _ in flowers do
                                    yield! [ number long; number wide ]
                            |]
                        )
                        .view(40L, 2L)

                for name, line in Array.zip (best.PredictNames x) (output.TrimEnd().Split('\n')[1..]) do
                    Expect.stringContains line $",{SmallRuns.quoted name}," "as from code"

            let ranked, _ = succeeds [ "predict"; folder; "--data"; asked; "--top"; "1" ]

            Expect.stringStarts
                ranked
                "row,predicted,class1,probability1,modules:modular1\n"
                "the most probable class alone"

        testInDirectory "predict: all mistakes of a file at once, and nothing is written"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            let asked = Path.Combine(directory, "asked.csv")
            let out = Path.Combine(directory, "said.csv")

            let refusedFor (lines: string list) =
                File.WriteAllLines(asked, lines)
                refused 1 [ "predict"; folder; "--data"; asked; "--out"; out ]

            refusedFor [ "length,width,species"; "1,2,setosa"; "much,2,setosa"; "1,,rose"; "1,2,rose"; "3" ] [
                $"{asked}, line 3, column length: expected a number, got `much`"
                $"{asked}, line 4, column width: expected a number, got nothing"
                $"{asked}, line 5, column species: expected one of the 2 labels that the run's data had (setosa, virginica, blue), got `rose`"
                $"{asked}, line 6: expected 3 values, as in the first row, got 1"
            ]

            refusedFor [ "a,b"; "1,2" ] [ "missing: `length`, `width`"; "got the columns a, b" ]
            refusedFor [ "length,width" ] [ "a header alone" ]
            let file = Path.Combine(directory, "said.txt")

            refused 1 [ "predict"; folder; "--data"; asked; "--out"; file ] [
                "--out"
                ".csv, .jsonl or .parquet"
                file
            ]

            refused 1 [ "predict"; folder; "--data"; asked + "x" ] [ "got nothing at that path" ]
            refused 1 [ "predict"; folder; "--data"; asked; "--top"; "0" ] [ "--top"; "at least 1" ]
            refused 2 [ "predict"; folder ] [ "--data" ]
            refused 1 [ "predict"; directory; "--data"; asked ] [ "expected the folder of a run" ]
            Expect.isFalse (File.Exists out || File.Exists file) "no file"
            Expect.isEmpty (Directory.GetFiles(directory, "*.partial")) "nothing half-written"

        testInDirectory "predict: numbers of a file without a header, with and without the target column"
        <| fun directory ->
            let folder = SmallRuns.ofNumbers directory
            let asked = Path.Combine(directory, "asked.csv")
            let points = [ for i in 1..10 -> 0.05 * float i, 0.5 ]
            let text (value: float) = value.ToString(CultureInfo.InvariantCulture)
            File.WriteAllLines(asked, [ for a, b in points -> $"{text (a + b)};{text a};{text b}" ])
            let output, errors = succeeds [ "predict"; folder; "--data"; asked ]
            let header, rows = table output
            Expect.equal header [| "row"; "target"; "mean"; "deviation"; "log_likelihood" |] "the header"
            let error = rows |> Array.averageBy (fun row -> (number row[1] - number row[2]) ** 2.0)
            Expect.stringContains errors ("squared error " + error.ToString("g4", CultureInfo.InvariantCulture)) errors
            Expect.all rows (fun row -> row[3] = "0.5") "σ of the given variance"

            File.WriteAllLines(asked, [ for a, b in points -> $"{text a};{text b}" ])
            let without, errors = succeeds [ "predict"; folder; "--data"; asked ]
            Expect.equal errors "" "nothing to tell"
            let _, again = table without
            Expect.equal [| for row in again -> row[1] |] [| for row in rows -> row[2] |] "the same means"

        testInDirectory "predict: bits, with the names of tasks"
        <| fun directory ->
            let folder = SmallRuns.ofBits directory
            let asked = Path.Combine(directory, "asked.csv")
            File.WriteAllLines(asked, [ "subject,x"; "maths,0.9"; "art,0.1"; "maths,0.1" ])
            let output, _ = succeeds [ "predict"; folder; "--data"; asked ]
            let header, rows = table output

            Expect.equal
                header
                [|
                    "row"
                    "predicted:high"
                    "predicted:second"
                    "probability:high"
                    "probability:second"
                    "modules:modular1"
                |]
                "the header"

            for row in rows do
                for bit, probability in [ 1, 3; 2, 4 ] do
                    Expect.equal (number row[bit] = 1.0) (number row[probability] > 0.5) "the most probable bit"

            use trained = Trained.load folder

            scoped
            <| fun () ->
                let x = torch.tensor([| 0.9f; 0.1f; 0.1f |]).view(3L, 1L)
                // Names of tasks are numbered in order: art, maths.
                let side = SideInputs(torch.tensor [| 1L; 0L; 1L |], null)

                for row, expected in Array.zip rows (matrix (trained.PredictProbabilities(x, side))) do
                    Expect.floatClose Accuracy.medium (number row[3]) expected[0] "as from code"
                    Expect.floatClose Accuracy.medium (number row[4]) expected[1] "as from code"

            File.WriteAllLines(asked, [ "subject,x"; "music,0.9" ])
            refused 1 [ "predict"; folder; "--data"; asked ] [ "column subject"; "(art, maths)"; "`music`" ]

        testInDirectory "predict: a text and images come to the test perplexity and accuracy that their runs measured"
        <| fun directory ->
            let test = Path.Combine(directory, "test.txt")
            let lines = File.ReadAllLines(SmallRuns.cycle directory)
            // The last twentieth of a single file is its test text.
            File.WriteAllLines(test, lines[lines.Length - lines.Length / 20 ..])

            for carry in [ false; true ] do
                let folder = SmallRuns.ofText directory carry
                let output, errors = succeeds [ "predict"; folder; "--data"; test ]
                let expected = SmallRuns.measured folder "test" "perplexity"

                Expect.stringContains
                    errors
                    ("perplexity " + expected.ToString("F3", CultureInfo.InvariantCulture))
                    errors

                let header, rows = table output

                Expect.equal header[..4] [| "row"; "word"; "target"; "predicted"; "probability:ada" |] "the header"

                Expect.equal (rows[0][1..2]) [| "ada"; "bob" |] "a word, and what follows it"
                Expect.equal ((Array.last rows)[2]) "" "nothing follows the last one"

            let folder = SmallRuns.ofCharacters directory
            let asked = Path.Combine(directory, "asked.txt")
            File.WriteAllText(asked, "b😀c")
            let header, rows = table (fst (succeeds [ "predict"; folder; "--data"; asked; "--top"; "1" ]))
            Expect.equal header[..3] [| "row"; "character"; "target"; "predicted" |] "of characters"

            let first = [ for row in Array.truncate 2 rows -> row[1], row[2] ]
            Expect.equal first [ "b", "😀"; "😀", "c" ] "one after another"

            let folder = SmallRuns.ofImages directory
            let images = Path.Combine(directory, "images")
            let output, errors = succeeds [ "predict"; folder; "--data"; images ]
            let accuracy = SmallRuns.measured folder "test" "accuracy"

            Expect.stringContains
                errors
                ("accuracy " + accuracy.ToString("0.00 %", CultureInfo.InvariantCulture))
                errors

            let file = Path.Combine(images, "t10k-images-idx3-ubyte")
            let again, errors = succeeds [ "predict"; folder; "--data"; file ]
            Expect.equal again output "a file of images, with the labels beside it"
            Expect.stringContains errors "accuracy" errors
            let alone = Path.Combine(directory, "mine.idx3")
            File.Copy(file, alone)
            let unlabelled, errors = succeeds [ "predict"; folder; "--data"; alone ]
            Expect.equal errors "" "without labels"
            let _, rows = table unlabelled
            let _, labelled = table output
            Expect.equal [| for row in rows -> row[1] |] [| for row in labelled -> row[2] |] "the same classes"
    ]
