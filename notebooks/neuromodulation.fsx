(**
# Learning where a chemical spreads

Velez and Clune 2017 (arXiv 1705.07241) let a learning signal spread from a place: the connections of a unit at distance d from the source learn at the rate times exp(−d² / 2σ²). Each season has a source of its own, so each is learned by other units of one network. Their
networks are evolved and learn by a Hebbian rule; "catastrophic forgetting is eliminated", they say, in a task of two seasons.

Here gradient descent takes the place of both. In summer and in winter an animal sees items of five bits and learns which of them are food. The items of summer come by five inputs, those of winter by five others, and two more inputs say the season. Summer is learned first, then winter, and then we ask what is left of summer. The units of the hidden layer lie on a line
from 0 to 1, with the source of summer at 1/4 and that of winter at 3/4.

    ./modnet reproduce neuromodulation
    ./modnet reproduce neuromodulation --quick

Criteria: after winter, the network with two sources still knows all that it knew of summer (forgetting ≤ 0.5 points, with each seed); the plain network, of the same size and with the same steps, is right about fewer than 80 % of summer's items.

In a second network with two sources, the items of both seasons come by the same five inputs; in a third, so do they, and units also act only as far as the chemical reaches them. A fourth has both sources at 1/2, so that half of its units hardly learn in either season: where forgetting is less because there are fewer units that learn, it shows here as well.
*)
#load "paired.fsx"

open System
open System.IO
open System.Text.Json.Nodes
open ModNet
open ModNet.Figures
open TorchSharp
open Paired

(** ## Seasons *)

let bits, seasons = 5, 2

/// Whether each season's items have inputs of their own.
type Inputs =
    | Apart
    | Shared

let features_of inputs =
    match inputs with
    | Apart -> seasons * bits + seasons
    | Shared -> bits + seasons

let items = pown 2 bits

/// Each item so often, so that a test set of a quarter asks for items that were learned.
let copies = 16

/// All items of a season with whether each is food, which is drawn for each season alone.
let season inputs (number: int) =
    let random = Random(20 + number)
    let food = Array.init items (fun _ -> random.Next 2)

    let first = if inputs = Apart then number * bits else 0
    let width = features_of inputs

    let x =
        Array2D.init (copies * items) width (fun row feature ->
            let bit = feature - first

            if feature = width - seasons + number then 1.0f
            elif feature < width - seasons && bit >= 0 && bit < bits then float32 (((row % items) >>> bit) &&& 1)
            else 0.0f)

    in_memory $"season {number}" {
        inputs x
        classes 2 (Array.init (copies * items) (fun row -> food[row % items]))
        test (copies * items / 4)
    }

(** ## A layer that learns where the chemical is *)

let units = 64

/// How far each unit learns in each season, [seasons, units].
let reach (sources: float list) (sigma: float) =
    array2D [
        for source in sources ->
            [
                for unit in 0 .. units - 1 ->
                    let distance = float unit / float (units - 1) - source
                    float32 (exp (-distance * distance / (2.0 * sigma * sigma)))
            ]
    ]

let everywhere = Array2D.create seasons units 1.0f

(**
Values are those of two linear maps with a ReLU between them. Gradients of the weights into and out of unit u are multiplied by how far u learns, m; those of the unit itself are not. The optimiser is plain gradient descent: Adam would undo the factor.
*)

type Chemical =
    /// Changes how far a unit learns.
    | Learning
    /// Changes how far it acts as well: its value is multiplied by m.
    | Acting

let modulated name inputs (reach: float32[,]) chemical =
    let width = features_of inputs

    custom name {
        reads (Shape.Vector width)
        gives (Shape.Vector 2)
        weight "in" [ units; width ]
        weight "bias" [ units ]
        weight "out" [ 2; units ]
        multiply_adds (int64 (units * (width + 2)))

        from_function (fun weights x ->
            let reach = torch.tensor(reach).``to``(x.device)
            let m = x.narrow(1L, int64 (width - seasons), int64 seasons).matmul reach
            let rest = 1.0f - m
            let mapped = torch.nn.functional.linear (x, weights["in"], weights["bias"])
            let hidden = (m * mapped + rest * mapped.detach ()).relu()

            match chemical with
            | Learning ->
                torch.matmul (m * hidden, weights["out"].t())
                + torch.matmul (rest * hidden, weights["out"].detach().t())
            | Acting -> torch.matmul (m * hidden, weights["out"].t()))
    }

let compared = [
    "sources", "a source for each season", Apart, reach [ 0.25; 0.75 ] 0.1, Learning
    "sources-shared", "the same, items by the same inputs", Shared, reach [ 0.25; 0.75 ] 0.1, Learning
    "sources-acting", "a source for each season, units act where it reaches", Shared, reach [ 0.25; 0.75 ] 0.1, Acting
    "one-source", "one source for both", Apart, reach [ 0.5; 0.5 ] 0.1, Learning
    "plain", "no sources", Apart, everywhere, Learning
]

let experiment_of name inputs reach chemical (scale: Scale) =
    experiment {
        net (
            network name {
                features (features_of inputs)
                tasks seasons
                modulated name inputs reach chemical
                categorical
            }
        )

        data (
            stream {
                task "summer" (season inputs 0)
                task "winter" (season inputs 1)
            }
        )

        train (
            static_modules {
                batch 32
                steps (scale.Pick(6_000, 30))
                optimizer (Sgd(0.3, 0.0))
            }
        )

        log_every (scale.Pick(500, 10))
        validate_every (scale.Pick(500, 10))
    }

(** ## What came out *)

let matrix =
    remembered (fun (run: StudyRun) ->
        let summary = JsonNode.Parse(File.ReadAllText(Path.Combine(run.Folder, "summary.json")))
        let rows = summary["tasks"].["test"].["matrix"].AsArray()
        [ for row in rows -> [ for value in row.AsArray() -> 100.0 * value.GetValue<float>() ] ])

/// The share of a season's items that are right after a season, both from 0.
let after season asked (run: StudyRun) =
    if run.Finished then Some(matrix run |> List.item season |> List.item asked) else None

let learned = after 0 0
let left = after 1 0
let winter = after 1 1
let of_row id (runs: StudyRun list) = runs |> List.filter (fun run -> run.Row = id && run.Finished)

let criteria (runs: StudyRun list) =
    let forgotten = of_row "sources" runs |> List.map (fun run -> Option.get (learned run) - Option.get (left run))
    let plain = of_row "plain" runs |> List.choose left

    [
        Criteria.row
            "a source for each season: forgets at most 0.5 points of summer, with each seed"
            (spread forgotten)
            (not forgotten.IsEmpty && List.forall (fun points -> points <= 0.5) forgotten)
        Criteria.row
            "no sources: right about fewer than 80 % of summer's items after winter, with each seed"
            (spread plain)
            (not plain.IsEmpty && List.forall (fun share -> share < 80.0) plain)
    ]

let curves (runs: StudyRun list) =
    [
        for place, (id, text, _, _, _) in List.indexed compared do
            match of_row id runs |> List.map (fun run -> run.Column("test", "accuracy/summer")) with
            | [] -> ()
            | columns ->
                let at = fst columns.Head

                let means = [|
                    for step in 0 .. at.Length - 1 -> 100.0 * (columns |> List.averageBy (fun (_, each) -> each[step]))
                |]

                Draw.Line(text, at, means, Colour = Palette.colour place)
    ]
    |> Panel.over "gradient steps"
    |> Panel.y "summer's items that are right [%]"
    |> Panel.reference 50.0 "chance"

let sections (runs: StudyRun list) = [
    Criteria.section "Criteria" (criteria runs)
    Section.make "Seasons" [
        Content.Table(
            [ "network"; "summer, after summer [%]"; "summer, after winter [%]"; "winter [%]" ],
            [
                for id, text, _, _, _ in compared ->
                    let own = of_row id runs
                    text :: [ for measure in [ learned; left; winter ] -> own |> List.choose measure |> spread ]
            ]
        )
    ]
    Section.figure
        "What is left of summer"
        "The share of summer's items that are right, in summer and in winter; the mean over seeds."
        (curves runs)
]

study "neuromodulation" {
    title "Learning where a chemical spreads"

    rows [
        for id, text, inputs, reach, chemical in compared do
            row id {
                label text
                seeds [ 1; 2; 3; 4; 5 ]
                run (experiment_of id inputs reach chemical)
            }
    ]

    measure "summer, after summer [%]" learned
    measure "summer, after winter [%]" left
    measure "winter [%]" winter
    report (List.filter _.Finished >> sections)
}
|> Study.main fsi.CommandLineArgs
