/// The studies of programs of modules in their quick versions: they end, and measure what they say.
module ModNet.Tests.ProgramStudyTests

open System.IO
open System.Text.Json.Nodes
open Expecto
open ModNet.Tests.Clone

let private studies = [
    "sqoop", [ "unseen pairs [%]"; "pairs of the training [%]" ], [ "at least 95 %"; "A question" ]
    "crl", [ "10 terms [%]"; "5 terms [%]" ], [ "Sums by their number of terms" ]
]

[<Tests>]
let tests =
    testSequenced
    <| testList "studies of programs" [
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
                let code, _, errors = modnet [ "reproduce"; script; "--quick"; "--seeds"; "1"; "--out"; runs ]
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
