/// The studies that need no large data, or drawn images only, in their quick versions: they end, and measure what they say.
module ModNet.Tests.StudyQuickTests

open System.IO
open System.Text.Json.Nodes
open Expecto
open ModNet.Tests.Clone
open ModNet.Tests.DataFiles

type private Quick = {
    Study: string
    /// Training and test images that are drawn for it; 0 where it reads none.
    Images: int * int
    /// The rows that are run; all where none is said.
    Rows: string list
    Measures: string list
    /// What the report says.
    Parts: string list
}

let private quick study measures parts = { Study = study; Images = 0, 0; Rows = []; Measures = measures; Parts = parts }

let private studies = [
    quick "communities" [ "EM: agreement with the problems"; "Louvain: agreement"; "z of Q" ] [ "Criteria"; "ratio" ]
    quick "core-networks" [ "Jaccard index of found and planted units"; "units found" ] [ "Effects, seed 1" ]
    quick "behavioural" [ "atoms: agreement with the problems" ] [ "all conventions of"; "planted blocks" ]
    quick "motifs" [ "loops of three modules" ] [ "planted loops, ten graphs"; "participation P" ]
    quick "sqoop" [ "unseen pairs [%]"; "pairs of the training [%]" ] [ "at least 95 %"; "A question" ]
    quick "crl" [ "10 terms [%]"; "5 terms [%]" ] [ "Sums by their number of terms" ]
    {
        quick "shapes" [ "unseen questions [%]"; "questions of the training [%]" ] [] with
            Rows = [ "given"; "gru" ]
    }
    quick "mac" [ "unseen questions [%]"; "questions of the training [%]" ] [
        "at least 95 %"
        "Answers in the course of training"
    ]
    {
        quick "thalnet" [ "test accuracy [%]" ] [ "Error in the course of training"; "ThalNet, 4 modules" ] with
            Images = 120, 20
    }
    {
        quick "neurogenesis" [ "error on 1 and 7"; "modules in the end" ] [
            "Criteria"
            "Error of each task at the end"
        ] with
            Images = 800, 100
            Rows = [ "grown"; "joint" ]
    }
    {
        quick "lifelong" [ "final accuracy [%]"; "forgetting [points]"; "H_a [% of log M]" ] [
            "Criteria"
            "split MNIST: accuracy over the training"
            "every task after every task"
        ] with
            Images = 800, 100
            Rows = [ "digits-modular-by-module"; "digits-modular-uniform"; "digits-dense-work-ewc-100" ]
    }
    quick "modular-meta-learning" [
        "squared error on new tasks, 8 points"
        "after gradient steps"
        "MAML"
        "on validation tasks"
    ] [ "from 8 points, below MAML"; "Four new tasks from 8 points" ]
    quick "learned-optimiser" [ "loss at 100 steps"; "gradient descent"; "Adam" ] [
        "mean loss at 100 steps below Adam"
        "Loss against steps"
    ]
    quick "learned-loss" [
        "squared error after 15 steps"
        "on the squared error"
        "second derivatives: relative difference"
    ] [ "second derivatives agree with finite differences"; "Error against inner steps" ]
    {
        quick "routing-networks" [ "test accuracy [%]"; "effective modules"; "information of task and module" ] [
            "EM, each task: no collapse"
            "the blocks of each task"
        ] with
            Images = 120, 60
    }
    {
        quick "segments-apart" [ "test accuracy [%]"; "lost in the other order" ] [ "Order, and what can be left out" ] with
            Images = 800, 100
    }
    {
        quick "decoupled" [ "test error [%]" ] [ "Criteria"; "Error in the course of training" ] with
            Images = 800, 100
    }
    quick "gap" [ "modes covered per generator (of 25)" ] [ "Criterion"; "over the 25 Gaussians" ]
    {
        quick "staged-gan" [ "samples taken for the digit asked for [%]" ] [ "Criterion"; "Samples of coarse" ] with
            Images = 800, 100
    }
]

[<Tests>]
let tests =
    testSequenced
    <| testList "studies in small" [
        for study in studies do
            testInDirectory $"{study.Study}: the quick version ends, with its measures and its report"
            <| fun directory ->
                let scripts = Path.Combine(directory, "notebooks")
                Directory.CreateDirectory scripts |> ignore
                let script = Path.Combine(scripts, $"{study.Study}.fsx")
                let text = File.ReadAllText(Path.Combine(root, "notebooks", $"{study.Study}.fsx"))
                let loaded = Path.Combine(root, "notebooks")
                File.WriteAllText(script, text.Replace("#load \"", $"#load @\"{loaded}{Path.DirectorySeparatorChar}"))
                let runs = Path.Combine(directory, "runs")
                let training, test = study.Images

                let code, _, errors =
                    modnet [
                        "reproduce"
                        script
                        "--quick"
                        "--seeds"
                        "1"
                        "--out"
                        runs

                        if training > 0 then
                            let data = Path.Combine(directory, "mnist")
                            Directory.CreateDirectory data |> ignore
                            writeMnist data "-ubyte" training test
                            "--data"
                            data

                        if not study.Rows.IsEmpty then
                            "--rows"
                            String.concat "," study.Rows
                    ]

                Expect.equal code 0 errors
                let results = Path.Combine(scripts, "results", $"{study.Study}-quick.json") |> File.ReadAllText
                let said = JsonNode.Parse(results).ToJsonString()

                for measure in study.Measures do
                    Expect.stringContains said $"\"{measure}\":" "measured"

                let report = File.ReadAllText(Path.Combine(runs, $"{study.Study}-quick", "report.html"))

                for part in study.Parts do
                    Expect.stringContains report part "the report"

                Expect.isFalse (report.Contains "Not drawn") "drawn"
    ]
