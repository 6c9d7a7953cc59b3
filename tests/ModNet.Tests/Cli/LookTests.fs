/// Pages as a browser draws them: wide and narrow, light and dark. Nothing lies on anything else, outside its axes, or outside its figure.
module ModNet.Tests.LookTests

open System
open System.IO
open System.Text.Json
open Expecto
open Plotly.NET
open ModNet
open ModNet.Figures
open ModNet.Runtime
open ModNet.Tests.ExampleStudy
open ModNet.Tests.PageAudit
open ModNet.Tests.RoutedExamples
open ModNet.Tests.Running
open ModNet.Tests.Values

let private line step phase (fields: (string * float) list) = MetricsLine(int64 step, phase, readOnlyDict fields)

/// A log in which an error falls by fourteen powers of ten, perplexity by a little, both entropies run on one course, and more modules are used than M.
let private log = [
    for step in 0..5..400 do
        let share = float step / 400.0

        let fields = [
            "loss", 60.0 * exp (-9.0 * share)
            "squared_error", 10.0 ** (-14.0 * share)
            "perplexity", 18.0 - 4.0 * share
            "selection_entropy", log 3.0 * (1.0 - share)
            "batch_selection_entropy", log 3.0 * (1.0 - share)
            "modules_used", 7.0
            "effective_modules", 6.5
        ]

        line step "train" fields
        if step % 50 = 0 then line step "validation" fields
]

let private options: RoutingReport.Options = { Layer = None; Top = 7 }
let private three = traceOf 4 60 1 [ 3, 1; 2, 2; 12, 1 ] false

/// Words that are long, and many.
let private longWords =
    let words = Array.init 5 (fun i -> if i = 0 then String.replicate 12 "long" else $"<b>word</b> \"{i}\"")
    traceWith (RoutingLabels(words, null, null)) 5 9 6 [ 3, 1; 30, 2 ] true

let private page title sections : Report = {
    Report.Title = title
    Summary = []
    Command = None
    Sections = sections
    Spec = None
    Files = []
}

/// All figures that no run of these tests leaves in its report.
let private gallery =
    let random = Random 1
    let distribution () = Array2D.init 64 5 (fun _ _ -> random.NextDouble())
    let times = [ for step in [ 0; 10; 100 ] -> $"after {step} steps of the training", distribution () ]
    let points () = Array2D.init 80 2 (fun n _ -> 4.0 * float (n % 2) + random.NextDouble())
    let inputs, targets = points (), points ()
    let components = Array.init 80 (fun n -> n % 2)
    let figure name chart = Section.figure name "" chart

    [
        yield! Curves.sections (Some 3) log
        match Toy.curves 3 log with
        | Some curves -> figure "toy curves" curves
        | None -> ()

        figure
            "runs"
            (Curves.compare "squared_error" "error (log axis)" "train" [
                for i in 1..6 -> $"EM, K = {i} of M = 15 modules, seed {i}", log
             ]
             |> Panel.logY)

        figure "composition" (Toy.composition inputs targets targets components components)
        figure "arrows" (Toy.arrows 3 inputs targets (Array.init 80 (fun n -> n % 3)))
        figure "data" (Toy.data inputs targets components)
        figure "distribution" (Controllers.distribution (distribution ()))
        figure "evolution" (Controllers.evolution times)
        figure "strips" (Controllers.strips times)

        figure
            "paths"
            (PathFigure.evolution [
                for seed in 1..3 -> $"seed {seed}", Inspect.paths 5 (traceOf seed 60 1 [ 3, 1; 2, 1; 4, 1 ] false)
            ])
    ]

let private corpus (path: string) =
    let random = Random 3
    let words = [| "a"; "rose"; "is"; "<b>bold</b>"; "q'\"&" |]

    File.WriteAllLines(
        path,
        [ for _ in 1..60 -> String.Join(' ', [ for _ in 1..6 -> words[random.Next words.Length] ]) ]
    )

let private language (path: string) =
    let words =
        pool "words" {
            modules 3
            unit (linear 4 |> relu)
        }

    experiment {
        net (
            network "text" {
                tokens 7
                embed 6

                modular_gru {
                    hidden 4
                    from words
                    choose 2
                    combine Sum
                    controller Linear
                }

                softmax 7
            }
        )

        data (
            text path {
                window 5
                vocabulary 7
            }
        )

        train (
            em {
                samples 3
                m_steps 5
                batch 8
                steps 60
                optimizer (Adam 1e-2)
            }
        )

        log_every 10
        validate_every 30
    }

let private table (path: string) =
    let random = Random 5
    let kinds = [| "red"; "green"; "a colour of a long name indeed" |]

    File.WriteAllLines(
        path,
        "a,b,colour"
        :: [
            for i in 1..300 ->
                FormattableString.Invariant
                    $"{float (i % 3) + random.NextDouble()},{random.NextDouble()},{kinds[i % 3]}"
        ]
    )

    experiment {
        net (
            network "table" {
                features 2
                linear 8

                modular {
                    modules 4
                    unit (linear 8 |> relu)
                    choose 1
                    controller Linear
                }

                modular {
                    modules 6
                    unit (linear 8 |> relu)
                    choose 2
                    combine Sum
                    controller Linear
                }

                softmax 3
            }
        )

        data (
            csv path {
                target "colour"
                classes 3
            }
        )

        train (
            em {
                samples 4
                m_steps 5
                batch 16
                steps 60
                optimizer (Adam 1e-2)
            }
        )

        validate_every 20
    }

let private ran (folder: string) (experiment: Experiment) : string =
    let run = Path.Combine(folder, experiment.Network.Name)
    quietly (fun () -> Running.train Settings.none { experiment with Out = Some run } |> ignore)
    run

/// The page of what a run routed where.
let private inspected (run: string) =
    let path = Path.Combine(run, "inspect.html")
    Trace.load run |> RoutingReport.page "what was routed where" options |> Report.write path
    path

let private study: StudyFile = {
    Study = "example"
    Title = "An example"
    Quick = false
    Measures = [ "measure" ]
    NeedsData = false
    Rows = [
        { Id = "a"; Label = "the first"; Paper = Map [ "measure", PaperValue.Number 2.0 ]; Spec = "a"; Data = None }
    ]
    Entries = []
}

/// The pages of a trained network's structure, by its units and by its modules, and of an edit of it.
let private ofNetwork (folder: string) (run: string) : string list =
    use network = Trained.load run

    let structured (name: string) (of': StructureOf) =
        let path = Path.Combine(folder, name)
        StructureReport.make run of' 20 (Some 2) (Some 100) network |> StructureReport.write path
        path

    let edited = Path.Combine(folder, "edited")
    use without = Edit.exclude "modular2/pool" [ 5 ] network
    Edit.save edited without
    EditReport.between 100 network without |> EditPage.write edited network without

    [
        structured "units.html" (StructureReport.activity None 100 None network)
        structured "modules.html" StructureOf.Routing
        Path.Combine(edited, "edit.html")
    ]

let private pages (folder: string) = [
    let words, rows = Path.Combine(folder, "words.txt"), Path.Combine(folder, "rows.csv")
    corpus words
    let first = ran folder (experimentOf 2 200)
    Path.Combine(first, "report.html")
    let text = ran folder (language words)
    Path.Combine(text, "report.html")
    inspected text
    let second = ran folder (table rows)
    inspected second
    yield! ofNetwork folder second

    let compared = Path.Combine(folder, "compared.html")
    RunComparison.page [ first; text; second ] |> Report.write compared
    compared

    let home = Path.Combine(folder, "study")
    StudyReport.write home "./modnet reproduce example" (List.truncate 2 gallery) [ text ] study
    Path.Combine(home, "report.html")

    let all = Path.Combine(folder, "gallery.html")

    gallery @ RoutingReport.sections options three @ RoutingReport.sections options longWords
    |> page "gallery"
    |> Report.write all

    all
]

[<Tests>]
let tests =
    testSequenced
    <| testList "look" [
        testCase
            "no label lies on another, nothing outside its axes or its figure, wide and narrow, light and dark"
            (fun () ->
                needsBrowser ()

                inDirectory (fun folder ->
                    let wrong = pages folder |> looks
                    Expect.isEmpty wrong (String.concat "\n" wrong)))

        testCase "what lies on another or outside is found" (fun () ->
            needsBrowser ()

            inDirectory (fun folder ->
                let lines = Panel.series [ Draw.Line("a", [| 1.0; 2.0; 3.0 |], [| 1e-9; 1.0; 5.0 |]) ]

                let bad =
                    page "bad" [
                        Section.figure
                            "ticks"
                            ""
                            (lines
                             |> Panel.logY
                             |> Chart.withYAxisStyle (AxisType = StyleParam.AxisType.Log, MinMax = (-9.0, 0.0)))
                        Section.figure "title" "" (lines |> Panel.title (String.replicate 60 "wide"))
                    ]

                let path = Path.Combine(folder, "bad.html")
                Report.write path bad
                let wrong = looks [ path ] |> String.concat "\n"
                Expect.stringContains wrong "ticks: drawn outside its axes: a: yaxis" "outside the axes"
                Expect.stringContains wrong "title: a text outside the figure" "outside the figure"))
    ]
