/// What a trained network says of datapoints, and what it writes.
module ModNet.Tests.PredictionTests

open System
open System.IO
open Expecto
open ModNet
open ModNet.Notebooks
open ModNet.Runtime
open TorchSharp

let private rows (values: float list list) =
    torch
        .tensor(
            [|
                for row in values do
                    yield! row
            |],
            torch.ScalarType.Float64
        )
        .view(int64 values.Length, -1L)

let private flowers () =
    rows [
        for long, wide, _, _ in SmallRuns.flowers 20 ->
            [
                Double.Parse(long, Globalization.CultureInfo.InvariantCulture)
                Double.Parse(wide, Globalization.CultureInfo.InvariantCulture)
            ]
    ]

/// Prints a line for each tensor of a file: its name, shape and bytes. It reads the file by the package safetensors where that is installed, and
/// otherwise by the format's own words: a length, a header in JSON, and the bytes.
let private python =
    """import json, struct, sys
try:
    from safetensors.numpy import load_file
    found = {name: (value.shape, value.tobytes()) for name, value in load_file(sys.argv[1]).items()}
except ImportError:
    with open(sys.argv[1], "rb") as file:
        length, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    found = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        assert entry["dtype"] == "F32", entry
        found[name] = (entry["shape"], data[begin:end])
for name, (shape, raw) in found.items():
    print(name, ",".join(str(size) for size in shape), raw.hex())
"""

[<Tests>]
let tests =
    testSequenced
    <| testList "predictions" [
        testInDirectory "probabilities are those of the head, classes have names, and the modules are those that ran"
        <| fun directory ->
            use trained = Trained.load (SmallRuns.ofClasses directory 1)
            Expect.equal (List.ofSeq trained.ClassNames) [ "setosa"; "virginica, blue" ] "names"
            let live = liveTensors ()

            scoped
            <| fun () ->
                let x = flowers ()
                let targets = torch.tensor [| for i in 1..20 -> int64 (i % 2) |]
                use said = trained.Examine(x, targets)
                let probabilities = matrix (trained.PredictProbabilities x)

                for c in 0..1 do
                    let each =
                        trained.Graph.Head.LogLikelihood(said.Features, torch.full_like (targets, Scalar.op_Implicit c))

                    for p, log in Array.zip probabilities (numbers each) do
                        Expect.floatClose Accuracy.medium p[c] (exp log) "p of the head"

                for p in probabilities do
                    Expect.floatClose Accuracy.medium (Array.sum p) 1.0 "a distribution"

                let predicted = integers (trained.Predict x)
                Expect.equal predicted [| for p in probabilities -> if p[1] > p[0] then 1 else 0 |] "the most probable"

                Expect.equal (trained.PredictNames x) [| for c in predicted -> trained.ClassNames[c] |] "by name"

                Expect.equal
                    (numbers said.LogLikelihood)
                    (numbers (trained.Graph.Head.LogLikelihood(said.Features, targets)))
                    "log p of the targets"

                let site = Seq.exactlyOne said.Choices
                Expect.equal (site.Layer, site.Time, site.Modules.Count) ("modular1", 0, 20) "the site"

                let compositions =
                    torch
                        .tensor(
                            [|
                                for modules in site.Modules do
                                    yield! modules
                            |]
                        )
                        .view(20L, 2L)

                let again =
                    trained.Graph.InEvaluation(fun () ->
                        trained.Graph.Forward(trained.Preparation.Value.Apply x, GivenSelector compositions).Features)

                Expect.isLessThan (distance again said.Features) 1e-6 "the same where these modules are given"

                let others = GivenSelector((compositions + Scalar.op_Implicit 1).remainder(Scalar.op_Implicit 3))

                let unlike =
                    trained.Graph.InEvaluation(fun () ->
                        trained.Graph.Forward(trained.Preparation.Value.Apply x, others).Features)

                Expect.isGreaterThan (distance unlike said.Features) 1e-3 "and other modules say something else"

            Expect.equal (liveTensors ()) live "no tensor is left behind"

        testInDirectory "a network on a table is asked with raw rows and says what it says of training rows"
        <| fun directory ->
            use trained = Trained.load (SmallRuns.ofTable directory)

            match trained.Experiment.Data with
            | Data.Csv table ->
                let layout = Source.layout table
                use data = CsvFile.Load(table.Path, layout, 0.0, 0.0, true, 1L)
                use asked = CsvQuestions.Load(table.Path, layout, trained.Preparation.Value)

                scoped
                <| fun () ->
                    // Standardised by the run's training rows, not by all of them; categories are the same.
                    let prepared = trained.Preparation.Value.Apply asked.Inputs
                    let codes = torch.tensor [| 0L; 1L; 2L; 3L |]

                    Expect.equal
                        (matrix (prepared.index_select (1, codes)))
                        (matrix (data.Splits.Train.Inputs.index_select (1, codes)))
                        "colours and months are left alone"

                    use run = CsvFile.Load(table.Path, layout, table.HeldOut, table.Test, true, int64 table.SplitSeed)
                    let rows (x: torch.Tensor) = matrix x |> Array.map List.ofArray |> Set.ofArray
                    Expect.isTrue (Set.isSubset (rows run.Splits.Train.Inputs) (rows prepared)) "rows as in training"

                    let said =
                        trained.Graph.InEvaluation(fun () -> trained.Graph.Forward(prepared, FirstSelector()).Features)

                    use examined = trained.Examine asked.Inputs
                    Expect.isLessThan (distance said examined.Features) 1e-6 "what the network says"

                let out = Path.Combine(directory, "said.csv")
                let line = Predicting.write trained None table.Path (Some out) Stream.Null
                Expect.isSome line "the targets are known"
                Expect.hasLength (File.ReadAllLines out) 61 "a row each"
            | other -> failtest $"a table, not {other}"

        testInDirectory "a width or a number of categories that the table does not have is refused with the right one"
        <| fun directory ->
            let trains width months =
                fun () ->
                    ModNet.Tests.Running.quietly (fun () ->
                        ModNet.Tests.Running.train Settings.none (SmallRuns.tableExperiment directory width months)
                        |> ignore)

            complains (trains 9 4) [
                "table/features: expected width 6, the columns of"
                "with one for each level of colour (3), got 9 – say `features 6`"
            ]

            complains (trains 6 3) [
                "table/embed_columns: expected 4 categories in column 3, the levels of month, got 3 – say `(3, 4, 2)`"
            ]

        testInDirectory
            "a column of numbers that would be standardised is refused as categories, before anything is trained"
        <| fun directory ->
            let experiment = SmallRuns.tableExperiment directory 6 4

            let embedding columns =
                network "table" {
                    features 6
                    embed_columns columns
                    linear 2
                    gaussian (variance 1.0)
                }

            let load columns =
                let changed = { experiment with Network = embedding columns }
                (Source.load (Check.experiment changed |> Refusal.orRaise)).Splits.Dispose()

            load [ (1, 2, 2); (3, 4, 2) ]

            Expect.equal
                (complaint (fun () -> load [ (3, 4, 2); (4, 9, 2) ]))
                "table/data/standardise: expected `coded` columns where `embed_columns` reads categories, because `standardise` leaves only those their codes, got `a`, column 4 – name each of them in `coded`, or leave `standardise` out"
                "after the three levels of colour and the month"

        testInDirectory "C# asks a network by name, for probabilities, and for the modules that ran"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            use trained = Trained.load folder

            scoped
            <| fun () ->
                let x = flowers ()
                Expect.equal (Array.ofSeq (Asking.Names(folder, x))) (trained.PredictNames x) "names"
                let expected = matrix (trained.PredictProbabilities x)
                let told = Asking.Probabilities(folder, x)
                Expect.hasLength told 20 "every row"

                for row, p in Seq.zip told expected do
                    Expect.floatClose Accuracy.medium (float row["virginica, blue"]) p[1] "by the class's name"

                let targets = torch.tensor [| for i in 1..20 -> int64 (i % 2) |]
                use said = trained.Examine(x, targets)

                let first =
                    numbers said.LogLikelihood
                    |> Array.head
                    |> _.ToString("F3", Globalization.CultureInfo.InvariantCulture)

                let modules = said.Choices[0].Modules[0] |> Seq.map string |> String.concat " "
                let lines = Asking.Lines(folder, x, targets)
                Expect.equal lines[0] $"virginica, blue: log p {first}, modules {modules}" "a line"

        testInDirectory "what does not fit the network is one message, of every kind of data"
        <| fun directory ->
            let refused (trained: TrainedNetwork) (x: torch.Tensor) (parts: string list) =
                let message = complaint (fun () -> trained.Predict(x) |> ignore)
                Expect.isFalse (message.Contains "mat1") message

                for part in parts do
                    Expect.stringContains message part ""

            scoped
            <| fun () ->
                use classes = Trained.load (SmallRuns.ofClasses directory 1)
                refused classes (torch.zeros (3L, 5L)) [ "rows [B, 2]"; "length, width"; "got [3, 5]" ]
                use numbers = Trained.load (SmallRuns.ofNumbers directory)
                refused numbers (torch.zeros (3L, 5L)) [ "numbers/features"; "rows [B, 2]"; "got [3, 5] Float32" ]
                refused numbers (torch.zeros 2L) [ "got [2]" ]

                refused numbers (torch.full ([| 1L; 2L |], Scalar.op_Implicit Double.NaN)) [
                    "numbers/features: expected numbers that are finite"
                ]

                complains (fun () -> numbers.PredictProbabilities(torch.zeros (1L, 2L)) |> ignore) [
                    "numbers, which have no probability"
                    "ask Predict for their mean"
                ]

                complains (fun () -> numbers.PredictNames(torch.zeros (1L, 2L)) |> ignore) [ "predicts classes" ]

                complains (fun () -> numbers.Examine(torch.zeros (3L, 2L), torch.zeros (3L, 4L)).Dispose()) [
                    "numbers/targets: expected values [3, 1] of real numbers, got [3, 4] Float32"
                ]

                use images = Trained.load (SmallRuns.ofImages directory)
                refused images (torch.zeros (2L, 1L, 28L, 28L)) [ "of bytes"; "Float32" ]

                refused images (torch.zeros ([| 2L; 1L; 14L; 28L |], torch.ScalarType.Byte)) [
                    "digits/image: expected images [B, 1, 28, 28], got [2, 1, 14, 28]"
                ]

                use text = Trained.load (SmallRuns.ofText directory false)
                refused text (torch.zeros (1L, 3L)) [ "cycle/tokens: expected token ids [B, T] of int64 from 0 to 4" ]
                refused text (SmallRuns.ids [ 1; 9 ]) [ "cycle/tokens"; "got 9" ]

        testInDirectory "exported weights are read by Python, value for value"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            let out = Path.Combine(directory, "weights")
            Trained.export folder out
            let script = Path.Combine(directory, "read.py")
            File.WriteAllText(script, python)

            let code, output, errors =
                try
                    Clone.run directory "python3" [ script; Path.Combine(out, "model.safetensors") ] []
                with :? ComponentModel.Win32Exception ->
                    skiptest "python3 is not installed here, which this test reads the file with"

            Expect.equal code 0 errors
            use trained = Trained.load folder

            Expect.equal
                (output.Split('\n', StringSplitOptions.RemoveEmptyEntries) |> Array.sort)
                (scoped (fun () ->
                    [|
                        for struct (name, parameter) in trained.Graph.named_parameters () do
                            let shape = String.Join(",", parameter.shape)
                            let bytes = Convert.ToHexStringLower(parameter.detach().contiguous().bytes.ToArray())
                            $"{name} {shape} {bytes}"
                    |]
                    |> Array.sort))
                "names, shapes and bytes"

        testInDirectory "exported weights are the checkpoint's parameters, open as a run does, and have a card"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            let out = Path.Combine(directory, "weights")
            Trained.export_best folder out

            Expect.equal
                (Directory.GetFiles out |> Array.map Path.GetFileName |> Array.sort)
                [| "README.md"; "data.json"; "model.safetensors"; "spec.json" |]
                "the files"

            use best = Trained.load_best folder
            use opened = Trained.load out
            Expect.equal opened.Step best.Step "the step"

            scoped
            <| fun () ->
                let stored = Safetensors.Read(Path.Combine(out, "model.safetensors"))
                let own = best.Graph.state_dict ()
                Expect.equal (Set.ofSeq stored.Keys) (Set.ofSeq own.Keys) "plain names and nothing beside"

                for KeyValue(name, value) in own do
                    Expect.equal (numbers stored[name]) (numbers value) name

                let x = flowers ()
                Expect.equal (numbers (opened.Predict x)) (numbers (best.Predict x)) "the same predictions"

            let card = File.ReadAllText(Path.Combine(out, "README.md"))

            for part in
                [
                    "# flowers"
                    $"weights after {best.Step} of 60 gradient steps"
                    "flowers.csv"
                    "| accuracy |"
                    "load_file(\"weights/model.safetensors\")"
                    "Trained.load \"weights\""
                    "`head.weight`"
                    "\"kind\": \"modular\""
                ] do
                Expect.stringContains card part "the card"

            complains (fun () -> Trained.export folder out) [ out; "expected a new folder, or an empty one" ]
            complains (fun () -> Trained.export (folder + "-nowhere") (out + "2")) [ "the folder of a run" ]
            Expect.isFalse (Directory.Exists(out + "2")) "nothing is left of what failed"
            Expect.isEmpty (Directory.GetDirectories(directory, "*.partial")) "nothing half-written"
    ]
