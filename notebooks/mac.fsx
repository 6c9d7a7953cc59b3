(**
# Questions about shapes, answered by memory, attention and composition

A MAC network (Hudson and Manning 2018, arXiv 1803.03067) answers a question about an image in steps of one cell: cᵢ attends to the words of the question, rᵢ to the places of the image, and the memory mᵢ = W[rᵢ, mᵢ₋₁] goes on to the next step. Nobody gives it a layout.
It gets the images and questions of the study `shapes`.

    ./modnet reproduce mac
    ./modnet reproduce mac --quick

The cell is a `custom` layer of a page. Criteria: with six steps it answers at least 95 % of the questions that were never asked in training, about new images; with a single step it answers fewer.

What differs from the paper: images and questions are those of SHAPES and not CLEVR's, words come with a learned vector for their place in the question where the paper has a recurrent network, the image is read by two convolutions, and there is no dropout.
*)
#load "scenes.fsx"

open ModNet
open ModNet.Figures
open ModNet.Runtime
open Plotly.NET
open TorchSharp
open Scenes

let places = grid * grid
let longest = 5
let width = 64
let question_width = longest * word_count

(** ## The cell

The input is the image and after it the words, one of so many in each place, with zeros where there is no word. *)

/// The linear maps of a cell: name, outputs, inputs, and how often each runs for a datapoint.
let maps steps = [
    "see", 32, colours * cell * cell, places
    "known", width, 32, places
    "word", width, word_count, longest
    "question", width, longest * width, 1
    for step in 1..steps do
        $"ask {step}", width, width, 1
    "control", width, 2 * width, steps
    "attend", 1, width, steps * longest
    "remember", width, width, steps
    "find", width, width, steps * places
    "both", width, 2 * width, steps * places
    "read", 1, width, steps * places
    "write", width, 2 * width, steps
]

/// Learned vectors: of each place of the image, of each place in the question, and the first memory.
let vectors = [ "place", places; "order", longest; "start", 1 ]

/// Of each of n rows as much as its logit says: rows [B, n, d] and logits [B, n, 1] → [B, d].
let attend (rows: torch.Tensor) (logits: torch.Tensor) = (rows * logits.softmax 1L).sum 1L

type Cells(steps: int) as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("mac")

    let linear =
        dict [ for name, outputs, inputs, _ in maps steps -> name, torch.nn.Linear(int64 inputs, int64 outputs) ]

    do
        for KeyValue(name, map) in linear do
            this.register_module (name, map)

        for name, count in vectors do
            this.register_parameter (name, torch.nn.Parameter(0.1 * torch.randn [| int64 count; int64 width |]))

    override _.forward x =
        let map name (rows: torch.Tensor) = linear[name].forward rows
        let vector name = this.get_parameter name

        // Every cell of the grid is seen alone; where it is, its place says: [B, 9, colours · 4 · 4].
        let seen =
            x
                .narrow(1L, 0L, int64 pixels)
                .view(-1L, int64 colours, int64 grid, int64 cell, int64 grid, int64 cell)
                .permute(0L, 2L, 4L, 1L, 3L, 5L)
                .reshape(-1L, int64 places, int64 (colours * cell * cell))

        let known = ((map "known" ((map "see" seen).relu())) + vector "place").relu()

        // A place without a word is a word of its own.
        let said = x.narrow(1L, int64 pixels, int64 question_width).reshape(-1L, int64 longest, int64 word_count)
        let words = (map "word" said + vector "order").relu()
        let question = (map "question" (words.flatten 1L)).relu()

        let mutable control = question
        let mutable memory = (vector "start").expand(x.shape[0], -1L)

        for step in 1..steps do
            let wanted = map "control" (torch.cat ([| control; map $"ask {step}" question |], 1L))
            control <- attend words (map "attend" (wanted.unsqueeze 1L * words))

            let remembered = (map "remember" memory).unsqueeze 1L
            let both = (map "both" (torch.cat ([| remembered * map "find" known; known |], 2L))).relu()
            let read = attend known (map "read" (control.unsqueeze 1L * both))
            memory <- map "write" (torch.cat ([| read; memory |], 1L))

        torch.cat ([| memory; question |], 1L)

let mac steps =
    let own = maps steps |> List.sumBy (fun (_, outputs, inputs, _) -> outputs * (inputs + 1))
    let work = maps steps |> List.sumBy (fun (_, outputs, inputs, times) -> times * outputs * inputs)

    custom $"mac of {steps} steps" {
        reads (Shape.Vector(pixels + question_width))
        gives (Shape.Vector(2 * width))
        parameters (int64 (own + width * List.sumBy snd vectors))
        multiply_adds (int64 work)
        from_module (fun () -> new Cells(steps))
    }

let mac_network steps =
    network $"mac-{steps}" {
        features (pixels + question_width)
        mac steps
        linear width |> relu
        softmax 2
    }

(** ## Training *)

let features_of example =
    let words = words_of (question_of example)
    let x = Array.zeroCreate<float32>(pixels + question_width)
    Array.blit (image example) 0 x 0 pixels

    for place, word in List.indexed words do
        x[pixels + place * word_count + word] <- 1.0f

    x

let held (scale: Scale) = scale.Pick(1_000, 100)

let mac_data (scale: Scale) =
    let drawn = examples 7 (scale.Pick(60_000, 400) + held scale) 2 false

    in_memory "shapes-mac" {
        inputs (rows_of (Array.map features_of drawn))
        classes 2 (Array.map label drawn)
        held_out (held scale)
    }

let experiment_of steps (scale: Scale) =
    experiment {
        net (mac_network steps)
        data (mac_data scale)

        train (
            static_modules {
                batch 64
                steps (scale.Pick(10_000, 30))
                optimizer (Adam 1e-3)
                schedule Cosine
            }
        )

        log_every 50
        validate_every (scale.Pick(1_000, 10))
    }

(** ## Questions that were never asked *)

let asked = 4_000

let unseen =
    remembered (fun run ->
        use trained = run.Folder |> Trained.load_as run.WithCode

        [
            for part in examples 99 asked 2 true |> Array.chunkBySize 500 do
                use _scope = torch.NewDisposeScope()
                let inputs = torch.tensor(Array.collect features_of part).view(int64 part.Length, -1L)

                for example, said in Seq.zip part (TensorArrays.Vector<int64>(trained.Predict inputs)) ->
                    if int said = label example then 100.0 else 0.0
        ]
        |> List.average)

let on_seen (run: StudyRun) = run.Validation.Accuracy |> Option.map ((*) 100.0)
let step_counts = [ 6; 1 ]
let id_of steps = $"mac-{steps}"
let of_row steps (runs: StudyRun list) = runs |> List.filter (fun run -> run.Row = id_of steps && run.Finished)

let criteria (runs: StudyRun list) =
    match step_counts |> List.map (fun steps -> of_row steps runs |> List.map unseen) with
    | [ (_ :: _ as many); (_ :: _ as one) ] ->
        let each = many |> List.map (sprintf "%.1f") |> String.concat ", "

        [
            Criteria.row
                "six steps: at least 95 % on unseen questions"
                $"%.1f{List.average many} (seeds: {each})"
                (List.average many >= 95.0)
            Criteria.row
                "a single step answers fewer, with each seed"
                $"%.1f{List.average one}: %+.1f{List.average one - List.average many}"
                (many.Length = one.Length && List.forall2 (<) one many)
        ]
    | _ -> []

let curves (runs: StudyRun list) =
    [
        for place, steps in List.indexed step_counts do
            for run in of_row steps runs |> List.truncate 1 do
                let at, accuracies = run.Column("validation", "accuracy")

                Draw.Line(
                    $"{steps} steps",
                    at,
                    [| for accuracy in accuracies -> 100.0 * accuracy |],
                    Colour = Palette.colour place
                )
    ]
    |> Panel.over "gradient steps"
    |> Panel.y "answers that are right [%]"
    |> Panel.reference 50.0 "chance"

let sections (runs: StudyRun list) = [
    Criteria.section "Criteria" (criteria runs)
    Section.figure
        "Answers in the course of training"
        "Accuracy on new images by questions of the training, of the first seed of each row."
        (curves runs)
]

study "mac" {
    title "MAC: questions that were never asked"

    rows [
        for steps in step_counts do
            row (id_of steps) {
                label (if steps = 1 then "MAC, one step" else $"MAC, {steps} steps")
                seeds [ 1; 2; 3 ]
                run (experiment_of steps)
            }
    ]

    measure "unseen questions [%]" (fun run -> if run.Finished then Some(unseen run) else None)
    measure "questions of the training [%]" on_seen
    report (List.filter _.Finished >> sections)
}
|> Study.main fsi.CommandLineArgs
