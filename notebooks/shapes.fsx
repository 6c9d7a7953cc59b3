(**
# Questions about shapes, answered by modules that the question puts together

Andreas et al. 2016 (neural module networks) and Hu et al. 2017 (end-to-end module networks) answer questions about images by programs: each word of a question has a module, and the question's structure says which module reads what. Their
SHAPES are images of a 3 × 3 grid of coloured shapes, with questions such as "is there a red shape above a circle that is left of a blue shape?".

* **modules, layouts given**: six modules find what is of a colour or a shape, four go a step in a direction, and the data say how they are put together. Questions of two, three and five steps are programs of the same network: the
  shorter ones halt.
* **modules, layouts learned**: nobody says which modules to run. Controllers read the question, and EM finds layouts by which the answers are probable. Its questions have at most three steps.
* **CNN + GRU**: a GRU reads the words, convolutions read the image, and two layers read both.

All are asked about new images, by questions that no training image was asked about, but whose words all occurred. Criteria: the modules with given layouts answer at least 95 % rightly, and at least 10 points more than CNN + GRU on the same questions;
so do those with learned layouts on theirs.

    ./modnet reproduce shapes
    ./modnet reproduce shapes --quick
*)
#load "modnet.fsx"

open System
open ModNet
open ModNet.Figures
open ModNet.Runtime
open Plotly.NET
open TorchSharp

(** ## Images *)

let grid, cell, colours = 3, 4, 3
let side = grid * cell
let pixels = colours * side * side

let outlines = [|
    "0110 1001 1001 0110" // circle
    "1111 1111 1111 1111" // square
    "1000 1100 1110 1111" // triangle
|]

let attributes = [| "red shape"; "green shape"; "blue shape"; "circle"; "square"; "triangle" |]
let relations = [| "above"; "below"; "left of"; "right of" |]

/// For each cell nothing, or a colour and a shape.
type Scene = (int * int) option array

let draw_scene (random: Random) : Scene =
    Array.init (grid * grid) (fun _ ->
        if random.NextDouble() < 0.8 then Some(random.Next colours, random.Next outlines.Length) else None)

let picture (scene: Scene) =
    let image = Array.zeroCreate<float32> pixels

    for place, content in Array.indexed scene do
        match content with
        | Some(colour, shape) ->
            for down, line in outlines[shape].Split ' ' |> Array.indexed do
                for right, pixel in Seq.indexed line do
                    if pixel = '1' then
                        let row, column = place / grid * cell + down, place % grid * cell + right
                        image[(colour * side + row) * side + column] <- 1.0f
        | None -> ()

    image

(** ## Questions

A question names attributes, and between them relations: `[ 0; 3 ]` with no relation asks for a red circle; with the relation "above" it asks for a red shape above a circle, in the next cell. *)

type Question = { Attributes: int list; Relations: int list }

let has attribute content =
    match content with
    | Some(colour, shape) -> if attribute < colours then colour = attribute else shape = attribute - colours
    | None -> false

/// The cells that are in this relation to one of the given cells, next to it.
let next_to relation (cells: Set<int>) =
    Set.ofList [
        for place in 0 .. grid * grid - 1 do
            let row, column = place / grid, place % grid

            let row', column' =
                match relation with
                | 0 -> row + 1, column
                | 1 -> row - 1, column
                | 2 -> row, column + 1
                | _ -> row, column - 1

            if row' >= 0 && row' < grid && column' >= 0 && column' < grid && cells.Contains(row' * grid + column') then
                place
    ]

let answer (scene: Scene) (question: Question) =
    let having attribute =
        Set.ofList [
            for place in 0 .. grid * grid - 1 do
                if has attribute scene[place] then place
        ]

    let found =
        match question.Relations with
        | [] -> question.Attributes |> List.map having |> Set.intersectMany
        | relations ->
            List.foldBack2
                (fun attribute relation below -> Set.intersect (having attribute) (next_to relation below))
                (List.take relations.Length question.Attributes)
                relations
                (having (List.last question.Attributes))

    not found.IsEmpty

(** About a quarter of the questions that have relations are never asked in training. *)

let is_held_out (question: Question) =
    let number = List.fold (fun sum word -> 7 * sum + word + 1) 0 (question.Attributes @ question.Relations)
    number % 4 = 0 && not question.Relations.IsEmpty

let rec draw_question (random: Random) (most_relations: int) (held_out: bool) : Question =
    let attribute _ = random.Next attributes.Length
    let count = if held_out then 1 + random.Next most_relations else random.Next(most_relations + 1)

    let question =
        if count = 0 then
            { Attributes = [ random.Next colours; colours + random.Next outlines.Length ]; Relations = [] }
        else
            {
                Attributes = List.init (count + 1) attribute
                Relations = List.init count (fun _ -> random.Next relations.Length)
            }

    if is_held_out question = held_out then question else draw_question random most_relations held_out

/// An image and a question about it; yes and no are equally probable.
let draw_example (random: Random) (most_relations: int) (held_out: bool) =
    let question = draw_question random most_relations held_out
    let wanted = random.Next 2 = 1

    let rec scene tries =
        let drawn = draw_scene random
        if answer drawn question = wanted || tries = 0 then drawn else scene (tries - 1)

    let scene = scene 500
    question, picture scene, answer scene question

(** ## Layouts

From the last word to the first: find what has the last attribute, go a step, keep of what is there that with the attribute before, and so on. A module reads two registers: that with what was found so far, and the image. Registers are
counted from the newest; the image is the oldest. *)

let halt = attributes.Length + relations.Length

let layout (steps: int) (question: Question) =
    let words =
        match question.Relations with
        | [] -> List.rev question.Attributes
        | relations ->
            let pairs = List.zip (List.take relations.Length question.Attributes) relations

            List.last question.Attributes
            :: [
                for attribute, relation in List.rev pairs do
                    attributes.Length + relation
                    attribute
            ]

    [|
        for step in 0 .. steps - 1 do
            // After so many steps the image is that register.
            let image = step

            if step < words.Length then
                0
                image
                words[step]
            else
                0
                0
                halt
    |]

(** ## Words for the other networks *)

let word_count = attributes.Length + relations.Length

let words_of (question: Question) = [
    for place, attribute in List.indexed question.Attributes do
        attribute

        if place < question.Relations.Length then attributes.Length + question.Relations[place]
]

(** ## Networks *)

let channels = 16
let register = channels * grid * grid

let modules_of_shapes =
    pool "words" {
        modules halt

        unit (
            chain {
                as_image (2 * channels, grid, grid)
                conv channels 3 |> same |> relu
                conv channels 3 |> same |> relu
                flatten
            }
        )
    }

let image_of_shapes =
    chain {
        as_image (colours, side, side)
        conv 32 cell |> stride cell |> relu
        conv channels 1 |> relu
        flatten
    }

let most_steps = 5

let given_network =
    network "shapes-given" {
        features pixels
        image_of_shapes

        program "answer" {
            registers 1
            width register
            steps most_steps
            from modules_of_shapes
            arity 2
            controller Given
            halts
        }

        linear 32 |> relu
        softmax 2
    }

(** For learned layouts, the question follows the image: for each of three places the word that stands there, if any. *)

let short_steps = 3
let question_width = 3 * word_count

let question_features (question: Question) =
    let features = Array.zeroCreate<float32> question_width

    for place, word in List.indexed (words_of question) do
        features[place * word_count + word] <- 1.0f

    features

let learned_network =
    network "shapes-learned" {
        features (pixels + question_width)

        concat_of {
            chain {
                slice 0 pixels
                image_of_shapes
            }

            slice pixels question_width
        }

        program "answer" {
            registers 1
            width register
            question question_width
            steps short_steps
            from modules_of_shapes
            arity 2
            controller (Mlp [ 32 ])
            halts
        }

        linear 32 |> relu
        softmax 2
    }

(** A GRU reads word after word; the image comes with the last step, which has no word. *)

let gru_steps = 6

let gru_network =
    network "shapes-gru" {
        sequence (word_count + pixels)

        concat_of {
            chain {
                slice 0 word_count
                gru 64
                last_step
            }

            chain {
                slice word_count pixels
                last_step
                as_image (colours, side, side)
                conv 32 cell |> stride cell |> relu
                conv 32 3 |> same |> relu
                conv 32 3 |> same |> relu
                flatten
            }
        }

        linear 256 |> relu
        linear 128 |> relu
        softmax 2
    }

(** ## Training *)

let examples (seed: int) count most_relations held_out =
    let random = Random seed
    Array.init count (fun _ -> draw_example random most_relations held_out)

let training_count (scale: Scale) = scale.Pick(20_000, 400)
let held (scale: Scale) = scale.Pick(1_000, 100)

let training_examples (scale: Scale) most_relations =
    examples 7 (training_count scale + held scale) most_relations false

let image (_, image: float32[], _) = image
let label (_, _, answer: bool) = if answer then 1 else 0
let question_of (question: Question, _, _) = question

/// Rows of features side by side.
let rows_of (rows: float32[][]) = Array2D.init rows.Length rows[0].Length (fun row column -> rows[row][column])

let with_question example = Array.append (image example) (question_features (question_of example))

let as_steps example =
    let words = words_of (question_of example)
    let step = word_count + pixels
    let x = Array.zeroCreate<float32>(gru_steps * step)

    for place, word in List.indexed words do
        x[place * step + word] <- 1.0f

    Array.blit (image example) 0 x ((gru_steps - 1) * step + word_count) pixels
    x

let given_data (scale: Scale) =
    let drawn = training_examples scale 2
    let layouts = drawn |> Array.map (question_of >> layout most_steps)

    in_memory "shapes" {
        inputs (rows_of (Array.map image drawn))
        classes 2 (Array.map label drawn)
        given (Array2D.init layouts.Length layouts[0].Length (fun row column -> layouts[row][column]))
        held_out (held scale)
    }

let learned_data (scale: Scale) =
    let drawn = training_examples scale 1

    in_memory "shapes-short" {
        inputs (rows_of (Array.map with_question drawn))
        classes 2 (Array.map label drawn)
        held_out (held scale)
    }

let gru_data most_relations (scale: Scale) =
    let drawn = training_examples scale most_relations
    let flat = Array.map as_steps drawn
    let step = word_count + pixels

    in_memory "shapes-words" {
        inputs (Array3D.init drawn.Length gru_steps step (fun row place feature -> flat[row][place * step + feature]))
        classes 2 (Array.map label drawn)
        held_out (held scale)
    }

let plainly (scale: Scale) =
    static_modules {
        batch 64
        steps (scale.Pick(6_000, 30))
        optimizer (Adam 1e-3)
        schedule Cosine
    }

let by_em (scale: Scale) =
    em {
        samples 10
        m_steps 10
        batch 64
        e_batch 256
        steps (scale.Pick(8_000, 20))
        optimizer (Adam 1e-3)
        schedule Cosine
    }

let experiment_of mine (source: Scale -> Data) (method: Scale -> Method) (scale: Scale) =
    experiment {
        net mine
        data (source scale)
        train (method scale)
        log_every 50
        validate_every (scale.Pick(1_000, 10))
    }

(** ## Questions that were never asked *)

let asked = 4_000

type Said = { Relations: int; Right: bool }

let answers (run: StudyRun) : Said list =
    use trained = run.Folder |> Trained.load_as run.WithCode
    let most_relations = if run.Row = "learned" || run.Row = "gru-short" then 1 else 2

    [
        for part in examples 99 asked most_relations true |> Array.chunkBySize 500 do
            use _scope = torch.NewDisposeScope()
            let count = int64 part.Length
            let tensor (row: _ -> float32[]) = torch.tensor (Array.collect row part)

            let said =
                match run.Row with
                | "given" ->
                    let layouts = part |> Array.collect (question_of >> layout most_steps >> Array.map int64)

                    trained.Predict(
                        (tensor image).view(count, -1L),
                        SideInputs(null, torch.tensor(layouts).view(count, -1L))
                    )
                | "learned" -> trained.Predict((tensor with_question).view(count, -1L))
                | _ -> trained.Predict((tensor as_steps).view(count, int64 gru_steps, -1L))
                |> TensorArrays.Vector<int64>

            for example, said in Seq.zip part said ->
                { Relations = (question_of example).Relations.Length; Right = int said = label example }
    ]

let unseen = remembered answers
let right (said: Said list) = said |> List.averageBy (fun said -> if said.Right then 100.0 else 0.0)
let on_unseen (run: StudyRun) = right (unseen run)
let on_seen (run: StudyRun) = run.Validation.Accuracy |> Option.map ((*) 100.0)

let with_relations count (run: StudyRun) =
    match unseen run |> List.filter (fun said -> said.Relations = count) with
    | [] -> None
    | said -> Some(right said)

(** ## What it says *)

let of_row id (runs: StudyRun list) = runs |> List.filter (fun run -> run.Row = id && run.Finished)

let criteria (runs: StudyRun list) = [
    for id, baseline, name in [ "given", "gru", "layouts given"; "learned", "gru-short", "layouts learned" ] do
        match of_row id runs, of_row baseline runs with
        | (_ :: _ as found), (_ :: _ as others) ->
            let own, other = List.averageBy on_unseen found, List.averageBy on_unseen others
            let each = found |> List.map (on_unseen >> sprintf "%.1f") |> String.concat ", "
            Criteria.row $"{name}: at least 95 %% on unseen questions" $"%.1f{own} (seeds: {each})" (own >= 95.0)

            Criteria.row
                $"{name}: at least 10 points above CNN + GRU"
                $"%.1f{other} of CNN + GRU: %+.1f{own - other}"
                (own - other >= 10.0)
        | _ -> ()
]

let names = [
    "given", "modules, layouts given"
    "gru", "CNN + GRU"
    "learned", "modules, layouts learned"
    "gru-short", "CNN + GRU, short questions"
]

let bars (runs: StudyRun list) =
    let names = names |> List.filter (fun (id, _) -> not (of_row id runs).IsEmpty)

    [
        for place, (name, accuracy) in
            List.indexed [ "questions of the training", on_seen; "unseen questions", on_unseen >> Some ] do
            Chart.Column(
                values = [ for id, _ in names -> of_row id runs |> List.choose accuracy |> List.average ],
                Keys = List.map snd names,
                Name = name,
                MarkerColor = Color.fromString (Palette.colour place)
            )
    ]
    |> Panel.series
    |> Panel.y "answers that are right [%]"
    |> Panel.classesX
    |> Panel.reference 50.0 "chance"

let sections (runs: StudyRun list) =
    let runs = runs |> List.filter _.Finished

    if runs.IsEmpty then
        []
    else
        let text (value: float option) = value |> Option.map (sprintf "%.1f") |> Option.defaultValue "–"

        [
            Criteria.section "Criteria" (criteria runs)
            Section.figure
                "Answers"
                $"Accuracy on new images: by questions of the training, and by {asked} of those that it never had. The mean over seeds."
                (bars runs)
            Section.make "Every seed" [
                Content.Table(
                    [
                        "run"
                        "questions of the training [%]"
                        "unseen [%]"
                        "unseen, one relation [%]"
                        "unseen, two relations [%]"
                    ],
                    [
                        for run in runs ->
                            [
                                run.Name
                                text (on_seen run)
                                text (Some(on_unseen run))
                                text (with_relations 1 run)
                                text (with_relations 2 run)
                            ]
                    ]
                )
            ]
        ]

let row_of id mine source method =
    row id {
        label (names |> List.find (fst >> (=) id) |> snd)
        seeds [ 1; 2; 3 ]
        run (experiment_of mine source method)
    }

study "shapes" {
    title "SHAPES: questions that were never asked"

    rows [
        row_of "given" given_network given_data plainly
        row_of "gru" gru_network (gru_data 2) plainly
        row_of "learned" learned_network learned_data by_em
        row_of "gru-short" gru_network (gru_data 1) plainly
    ]

    measure "unseen questions [%]" (on_unseen >> Some)
    measure "questions of the training [%]" on_seen
    report sections
}
|> Study.main fsi.CommandLineArgs
