(**
# A layout that fits the question generalises, one that does not fit it does not

Bahdanau et al. 2019 ("Systematic generalization: what is required and can it be learned?") ask of an image whether glyph X stands left of, right of, above or below glyph Y. A training set in which each X is asked
about with one Y alone tempts a network to learn pairs instead of glyphs. The test asks about all other pairs.

A program of three modules answers: one for X, one for Y, one for the relation R. The data give its layout:

* **tree**: R(X(image), Y(image)). Both glyphs are looked for in the image, and R compares what was found.
* **chain**: Y(R(X(image))). The same modules run one after the other.

Both are the same network with the same parameters and the same number of multiply-adds; only the registers that the steps read differ. Criteria: on pairs that were never trained on, the tree answers at least 95 % of the
questions, and the chain at most 75 %. Half of all answers are "yes".

    ./modnet reproduce sqoop
    ./modnet reproduce sqoop --quick
*)
#load "modnet.fsx"

open System
open ModNet
open ModNet.Figures
open ModNet.Runtime
open Plotly.NET
open TorchSharp

(** ## Images and questions

An image has 24 × 24 pixels and shows five glyphs in five of its 4 × 4 cells, each moved by up to a pixel in its cell. X and Y are among them. One glyph stands left of another if its column is further to the left. *)

let glyphs = [|
    "01110 10001 11111 10001 10001" // A
    "01111 10000 10000 10000 01111" // C
    "10001 10001 11111 10001 10001" // H
    "10010 10100 11000 10100 10010" // K
    "10000 10000 10000 10000 11111" // L
    "01110 10001 10001 10001 01110" // O
    "11111 00100 00100 00100 00100" // T
    "10001 01010 00100 01010 10001" // X
|]

let names = "ACHKLOTX"
let side, cells, cell = 24, 4, 6
let relations = [ "left of"; "right of"; "above"; "below" ]

/// Whether a glyph in the one cell (row, column) is in this relation to a glyph in the other.
let holds relation (row, column) (row', column') =
    match relation with
    | 0 -> column < column'
    | 1 -> column > column'
    | 2 -> row < row'
    | _ -> row > row'

/// The glyph that each X is asked about with in training.
let partner x = (x + 1) % glyphs.Length

/// A number from 0 to the limit, but none of those that are excluded.
let rec other (random: Random) limit excluded =
    match random.Next limit with
    | drawn when List.contains drawn excluded -> other random limit excluded
    | drawn -> drawn

type Question = { X: int; Relation: int; Y: int }

/// A question about a pair, the image that it is about, and whether the answer is yes. Yes and no are equally probable.
let draw_question (random: Random) (x: int, y: int) =
    let question = { X = x; Relation = random.Next relations.Length; Y = y }
    let answer = random.Next 2 = 1
    let at place = place / cells, place % cells

    let rec places () =
        let first = random.Next(cells * cells)
        let second = other random (cells * cells) [ first ]
        if holds question.Relation (at first) (at second) = answer then [ second; first ] else places ()

    let shown, taken =
        List.fold
            (fun (shown, taken) _ ->
                other random glyphs.Length shown :: shown, other random (cells * cells) taken :: taken)
            ([ y; x ], places ())
            [ 1..3 ]

    let image = Array.zeroCreate<float32>(side * side)

    for glyph, place in List.zip shown taken do
        let row, column = at place
        let top, left = row * cell + random.Next 2, column * cell + random.Next 2

        for down, line in glyphs[glyph].Split ' ' |> Array.indexed do
            for right, pixel in Seq.indexed line do
                if pixel = '1' then image[(top + down) * side + left + right] <- 1.0f

    question, image, answer

let seen_pair (random: Random) =
    let x = random.Next glyphs.Length
    x, partner x

let unseen_pair (random: Random) =
    let x = random.Next glyphs.Length
    x, other random glyphs.Length [ x; partner x ]

(** ## Layouts

Of each of three steps a layout says which registers are read and which module runs. Registers are counted from the newest: after two steps, 0 is what the second step gave, 1 what the first gave, and 2 the image. *)

let relation_module relation = glyphs.Length + relation

let tree_layout q = [| 0; 0; q.X; 1; 1; q.Y; 1; 0; relation_module q.Relation |]
let chain_layout q = [| 0; 0; q.X; 0; 0; relation_module q.Relation; 0; 0; q.Y |]

(** ## The network

Two convolutions make 16 channels of 4 × 4 places of the image, which are the first register. A module reads two registers and gives one. *)

let channels = 16
let register = channels * cells * cells

let modules_of_sqoop =
    pool "words" {
        modules (glyphs.Length + relations.Length)

        unit (
            chain {
                as_image (2 * channels, cells, cells)
                conv channels 3 |> same |> relu
                conv channels 3 |> same |> relu
                flatten
            }
        )
    }

let network_of_sqoop =
    network "sqoop" {
        image (1, side, side)
        conv 16 5 |> same |> stride 2 |> relu
        conv channels 3 |> stride 3 |> relu
        flatten

        program "answer" {
            registers 1
            width register
            steps 3
            from modules_of_sqoop
            arity 2
            controller Given
        }

        linear 64 |> relu
        softmax 2
    }

let experiment_of name layout (scale: Scale) =
    experiment {
        net network_of_sqoop

        data (
            generated $"sqoop-{name}" {
                image (1, side, side)
                classes 2
                given 9
                points (scale.Pick(100_000, 500))
                held_out (scale.Pick(2_000, 200))

                draw (fun random ->
                    let question, image, answer = draw_question random (seen_pair random)
                    Datapoint.labelled image (if answer then 1 else 0) |> Datapoint.given (layout question))
            }
        )

        train (
            static_modules {
                batch 64
                steps (scale.Pick(3_000, 40))
                optimizer (Adam 1e-3)
                schedule Cosine
            }
        )

        log_every 50
        validate_every (scale.Pick(1_000, 20))
    }

(** ## Pairs that were never trained on *)

let unseen_questions (run: StudyRun) = if run.Planned < 1_000L then 200 else 4_000

let layout_of (run: StudyRun) = if run.Row = "tree" then tree_layout else chain_layout

/// The share of questions about unseen pairs that are answered rightly, for each relation, in percent.
let unseen =
    remembered (fun run ->
        use trained = run.Folder |> Trained.load_as run.WithCode
        use _scope = torch.NewDisposeScope()
        let random = Random 77
        let count = unseen_questions run
        let drawn = Array.init count (fun _ -> draw_question random (unseen_pair random))
        let rows = int64 count
        let images = torch.tensor(drawn |> Array.collect (fun (_, image, _) -> image)).view(rows, 1L, side, side)

        let layouts =
            torch
                .tensor(drawn |> Array.collect (fun (question, _, _) -> layout_of run question |> Array.map int64))
                .view(rows, -1L)

        let said = trained.Predict(images, SideInputs(null, layouts)) |> TensorArrays.Vector<int64>

        [
            for relation in 0 .. relations.Length - 1 ->
                Seq.zip drawn said
                |> Seq.filter (fun ((question, _, _), _) -> question.Relation = relation)
                |> Seq.averageBy (fun ((_, _, answer), said) -> if (said = 1L) = answer then 100.0 else 0.0)
        ])

let on_unseen (run: StudyRun) = List.average (unseen run)
let on_seen (run: StudyRun) = run.Validation.Accuracy |> Option.map ((*) 100.0)

(** ## What it says *)

let of_row id (runs: StudyRun list) = runs |> List.filter (fun run -> run.Row = id && run.Finished)

let criteria (runs: StudyRun list) = [
    for id, claim, isMet in
        [
            "tree", "tree: at least 95 % on unseen pairs", (fun accuracy -> accuracy >= 95.0)
            "chain", "chain: at most 75 % on unseen pairs", (fun accuracy -> accuracy <= 75.0)
        ] do
        let found = of_row id runs |> List.map on_unseen

        if not found.IsEmpty then
            let each = found |> List.map (sprintf "%.1f") |> String.concat ", "
            Criteria.row claim $"%.1f{List.average found} (seeds: {each})" (isMet (List.average found))
]

let bars (runs: StudyRun list) =
    [
        for place, (name, accuracy) in
            List.indexed [ "pairs of the training", on_seen; "unseen pairs", on_unseen >> Some ] do
            let ids = [ "tree"; "chain" ] |> List.filter (fun id -> not (of_row id runs).IsEmpty)

            Chart.Column(
                values = [ for id in ids -> of_row id runs |> List.choose accuracy |> List.average ],
                Keys = ids,
                Name = name,
                MarkerColor = Color.fromString (Palette.colour place)
            )
    ]
    |> Panel.series
    |> Panel.y "answers that are right [%]"
    |> Panel.classesX
    |> Panel.reference 50.0 "chance"

let example =
    lazy
        (let question, image, answer = draw_question (Random 5) (unseen_pair (Random 5))
         let says = if answer then "yes" else "no"

         Section.figure
             "A question"
             $"Is {names[question.X]} {relations[question.Relation]} {names[question.Y]}? The answer is {says}."
             (Panel.series [
                 Draw.Heat(
                     [| for column in 0 .. side - 1 -> string column |],
                     (0.0, 1.0),
                     Array2D.init side side (fun row column -> float image[row * side + column])
                 )
              ]
              |> Panel.downwards
              |> Panel.equalUnits
              |> Panel.height 420))

let sections (runs: StudyRun list) =
    let runs = runs |> List.filter _.Finished

    if runs.IsEmpty then
        []
    else
        [
            Criteria.section "Criteria" (criteria runs)
            Section.figure
                "Layouts"
                $"Accuracy on 2,000 new images with questions about the training's {glyphs.Length} pairs, and on {unseen_questions runs.Head} with questions about all others; the mean over seeds."
                (bars runs)
            example.Value
            Section.make "Every seed" [
                Content.Table(
                    [
                        "run"
                        "training's pairs [%]"
                        "unseen pairs [%]"
                        yield! relations |> List.map (sprintf "%s, unseen [%%]")
                    ],
                    [
                        for run in runs ->
                            [
                                run.Name
                                on_seen run |> Option.map (sprintf "%.1f") |> Option.defaultValue "–"
                                sprintf "%.1f" (on_unseen run)
                                yield! unseen run |> List.map (sprintf "%.1f")
                            ]
                    ]
                )
            ]
        ]

let row_of id text layout =
    row id {
        label text
        seeds [ 1; 2; 3 ]
        run (experiment_of id layout)
    }

study "sqoop" {
    title "SQOOP: questions about pairs that were never trained on"
    rows [ row_of "tree" "tree: R(X, Y)" tree_layout; row_of "chain" "chain: Y(R(X))" chain_layout ]
    measure "unseen pairs [%]" (on_unseen >> Some)
    measure "pairs of the training [%]" on_seen
    report sections
}
|> Study.main fsi.CommandLineArgs
