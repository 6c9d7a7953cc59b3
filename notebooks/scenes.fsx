(**
# Scenes of coloured shapes, and questions about them

For the studies that load it, `shapes` and `mac`: images of a 3 × 3 grid of coloured shapes, as the SHAPES of Andreas et al. 2016, and questions such as "is there a red shape above a circle that is left of a blue shape?". About a quarter of the questions that
have a relation are never asked in training.
*)
#load "modnet.fsx"

open System

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

(** ## Words and examples *)

let word_count = attributes.Length + relations.Length

let words_of (question: Question) = [
    for place, attribute in List.indexed question.Attributes do
        attribute

        if place < question.Relations.Length then attributes.Length + question.Relations[place]
]

let examples (seed: int) count most_relations held_out =
    let random = Random seed
    Array.init count (fun _ -> draw_example random most_relations held_out)

let image (_, image: float32[], _) = image
let label (_, _, answer: bool) = if answer then 1 else 0
let question_of (question: Question, _, _) = question

/// Rows of features side by side.
let rows_of (rows: float32[][]) = Array2D.init rows.Length rows[0].Length (fun row column -> rows[row][column])
