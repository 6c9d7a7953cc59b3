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
#load "scenes.fsx"

open ModNet
open ModNet.Figures
open ModNet.Runtime
open Plotly.NET
open TorchSharp
open Scenes

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

let training_count (scale: Scale) = scale.Pick(60_000, 400)
let held (scale: Scale) = scale.Pick(1_000, 100)

let training_examples (scale: Scale) most_relations =
    examples 7 (training_count scale + held scale) most_relations false

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
        steps (scale.Pick(10_000, 30))
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
