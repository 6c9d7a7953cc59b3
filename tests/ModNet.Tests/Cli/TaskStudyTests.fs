/// The studies of many tasks over shared modules in their quick versions: they end, and measure what they say.
module ModNet.Tests.TaskStudyTests

open System.IO
open System.Text.Json.Nodes
open Expecto
open ModNet.Tests.Clone
open ModNet.Tests.DataFiles

let private studies = [
    "modular-meta-learning",
    [ "squared error on new tasks, 8 points"; "after gradient steps"; "MAML"; "on validation tasks" ],
    [ "from 8 points, below MAML"; "Four new tasks from 8 points" ]
    "routing-networks",
    [ "test accuracy [%]"; "effective modules"; "information of task and module" ],
    [ "EM, each task: no collapse"; "the blocks of each task" ]
]

[<Tests>]
let tests =
    testSequenced
    <| testList "studies of tasks" [
        for name, measures, parts in studies do
            testInDirectory $"{name}: the quick version ends, with its measures and its report"
            <| fun directory ->
                let scripts = Path.Combine(directory, "notebooks")
                Directory.CreateDirectory scripts |> ignore
                let script = Path.Combine(scripts, $"{name}.fsx")
                let text = File.ReadAllText(Path.Combine(root, "notebooks", $"{name}.fsx"))
                let own = Path.Combine(root, "notebooks", "modnet.fsx")
                File.WriteAllText(script, text.Replace("#load \"modnet.fsx\"", $"#load @\"{own}\""))
                let runs = Path.Combine(directory, "runs")
                let data = Path.Combine(directory, "mnist")

                let with_data =
                    if text.Contains "--data DIR" then
                        Directory.CreateDirectory data |> ignore
                        writeMnist data "-ubyte" 120 60
                        [ "--data"; data ]
                    else
                        []

                let code, _, errors =
                    modnet ([ "reproduce"; script; "--quick"; "--seeds"; "1"; "--out"; runs ] @ with_data)

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
