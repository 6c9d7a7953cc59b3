/// The study of tasks one after the other in its quick version, some rows of it, on drawn images: it ends, and measures what it says.
module ModNet.Tests.LifelongStudyTests

open System.IO
open System.Text.Json.Nodes
open Expecto
open ModNet.Tests.Clone

let private studies = [
    "lifelong",
    "digits-modular-by-module,digits-modular-uniform,digits-dense-work-ewc-100",
    [ "final accuracy [%]"; "forgetting [points]"; "H_a [% of log M]" ],
    [ "Criteria"; "split MNIST: accuracy over the training"; "every task after every task" ]
]

[<Tests>]
let tests =
    testSequenced
    <| testList "studies of streams" [
        for name, rows, measures, parts in studies do
            testInDirectory $"{name}: the quick version ends, with its measures and its report"
            <| fun directory ->
                writeMnist directory "-ubyte" 800 100
                let scripts = Path.Combine(directory, "notebooks")
                Directory.CreateDirectory scripts |> ignore
                let script = Path.Combine(scripts, $"{name}.fsx")
                let text = File.ReadAllText(Path.Combine(root, "notebooks", $"{name}.fsx"))
                let own = Path.Combine(root, "notebooks", "modnet.fsx")
                File.WriteAllText(script, text.Replace("#load \"modnet.fsx\"", $"#load @\"{own}\""))
                let runs = Path.Combine(directory, "runs")

                let code, _, errors =
                    modnet [
                        "reproduce"
                        script
                        "--quick"
                        "--data"
                        directory
                        "--rows"
                        rows
                        "--seeds"
                        "1"
                        "--out"
                        runs
                    ]

                Expect.equal code 0 errors
                let results = Path.Combine(scripts, "results", $"{name}-quick.json") |> File.ReadAllText
                let said = JsonNode.Parse(results).ToJsonString()

                for measure in measures do
                    Expect.stringContains said $"\"{measure}\":" "measured"

                let report = File.ReadAllText(Path.Combine(runs, $"{name}-quick", "report.html"))

                for part in parts do
                    Expect.stringContains report part "the report"

                Expect.isFalse (report.Contains "Not drawn") "drawn"
    ]
