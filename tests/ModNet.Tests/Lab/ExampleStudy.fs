/// A study of a small toy, a home for it, and what its runs leave there.
module ModNet.Tests.ExampleStudy

open System.IO
open System.Text.Json.Nodes
open ModNet
open ModNet.Figures

let toy modules' =
    network $"toy-{modules'}" {
        features 2

        modular {
            modules modules'
            unit (linear 2)
            choose 1
        }

        gaussian (variance 0.1)
    }

let experimentOf modules' (length: int) =
    experiment {
        net (toy modules')

        data (
            toy_regression {
                points 32
                held_out 16
            }
        )

        train (
            em {
                samples 2
                m_steps 3
                batch 8
                steps length
                optimizer (Adam 1e-2)
            }
        )

        log_every 5
        validate_every 10
        checkpoint_every 5
    }

let rowOf id modules' length seeds' =
    row id {
        label $"{modules'} modules"
        paper 0.25
        seeds seeds'
        run (fun scale -> experimentOf modules' (scale.Pick(length, 5)))
    }

let studyOf rows' =
    study "example" {
        title "An example"
        rows rows'
        measure "squared error" (fun run -> run.Test.SquaredError)
        measure "agreement" (fun run -> run.Fact "agreement")
        report (fun runs -> [ for run in runs -> Section.make run.Name [] ])
    }

let two = studyOf [ rowOf "two" 2 20 [ 1; 2 ]; rowOf "three" 3 20 [ 1 ] ]

/// A folder with a script's surroundings: `home/notebooks` and `home/docs/results.md`.
let withHome (action: string -> string -> unit) =
    inDirectory
    <| fun home ->
        let scripts = Path.Combine(home, "notebooks")
        let docs = Path.Combine(home, "docs")
        Directory.CreateDirectory scripts |> ignore
        Directory.CreateDirectory docs |> ignore

        File.WriteAllText(
            Path.Combine(docs, "results.md"),
            "<!-- results: ./modnet reproduce writes what follows -->\n<!-- end of results -->\n"
        )

        action home scripts

let options (home: string) : StudyOptions = {
    Data = None
    Only = None
    Seeds = None
    Scale = Scale.Full
    Out = Path.Combine(home, "runs")
    Threads = Some 1
    Png = false
    Device = None
    Slurm = None
    Command = "./modnet reproduce example"
}

let results (scripts: string) name = (StudyStore.read (Path.Combine(scripts, "results", $"{name}.json"))).Value

let runFolder home row seed = Path.Combine(home, "runs", "example", row, $"seed-{seed}")

let metrics folder =
    File.ReadAllLines(Path.Combine(folder, "metrics.jsonl"))
    |> Array.map (fun line ->
        let fields = JsonNode.Parse(line).AsObject()
        fields.Remove "seconds" |> ignore
        fields.ToJsonString())

let keys (file: StudyFile) = file.Entries |> List.map (fun entry -> entry.Row, entry.Seed, entry.Finished)
