(**
# Forgetting a class by leaving out the modules that carry it

A network that chooses modules should be able to lose what it knows of one class and little else: the modules are left out that its datapoints meet more often than others' do. Here is
what that costs the class and what it costs all others, beside a dense network of as many parameters from which as many units are taken. `experts.fsx` declares both.

    ./modnet reproduce forgetting --data DIR
    ./modnet reproduce forgetting --data DIR --quick

DIR holds MNIST's files, or a folder `mnist` with them.
*)
#load "experts.fsx"

open ModNet
open ModNet.Figures
open ModNet.Runtime
open Plotly.NET
open TorchSharp
open Experts

(** ## Which parts carry a class

A module carries class c as far as P(m | c) / P(m) is above 1, by the paths of the validation set. Units of the dense layer are ranked in two ways: by the mean of their output on the class over
their mean on all; and by what they add to the logit of c, compared with the other logits, on the class more than elsewhere. That one of the two is taken which does better on the validation set. Modules
that no datapoint of the class meets are not left out.
*)

/// The mean loss of each class.
let by_class (said: Said) : float array =
    Array.init 10 (fun digit ->
        Array.zip said.Classes said.Loss |> Array.filter (fun (known, _) -> known = digit) |> Array.averageBy snd)

/// For each class the modules that carry it, the first one the most, of those that it meets at all.
let modules_of (said: Said) : int list array =
    let share (rows: int array array) number =
        let all = rows |> Array.sumBy Array.length |> float
        float (rows |> Array.sumBy (Array.filter ((=) number) >> Array.length)) / all

    Array.init 10 (fun digit ->
        let own = Array.zip said.Classes said.Met |> Array.filter (fun (known, _) -> known = digit) |> Array.map snd

        [ 0 .. module_count - 1 ]
        |> List.filter (fun number -> share own number > 0.0)
        |> List.sortByDescending (fun number -> share own number / share said.Met number))

/// For each class two rankings of the dense layer's units.
let units_of (network: TrainedNetwork) (parts: Dataset seq) : int list array list =
    use _scope = torch.NewDisposeScope()
    let first, second = Edit.split_at "linear1" network
    use first = first
    use second = second
    let outputs, classes = ResizeArray(), ResizeArray()

    for part in parts do
        let batch = part.Range(0L, part.Count)
        use said = Prediction.Of(first.Graph, batch.Inputs, first.Evaluating)
        outputs.Add(said.Mode.clone ())
        classes.Add(batch.Targets.clone ())

    let outputs, classes = torch.cat outputs, torch.cat classes

    let mean (of_class: int) =
        outputs.index_select(0L, classes.eq(torch.tensor (int64 of_class)).nonzero().squeeze 1L).mean [| 0L |]

    let all = outputs.mean [| 0L |]

    let weights = second.Graph.Head.parameters () |> Seq.find (fun parameter -> parameter.dim () = 2L) |> _.detach()

    let apart = weights - weights.mean ([| 0L |], keepdim = true)

    let ranked (score: torch.Tensor) =
        let scores = TensorArrays.Vector<float32> score
        [ 0 .. scores.Length - 1 ] |> List.sortByDescending (fun unit -> scores[unit])

    [
        Array.init 10 (fun digit -> mean digit / (all + 1e-6) |> ranked)
        Array.init 10 (fun digit -> apart[digit] * (mean digit - all) |> ranked)
    ]

(** ## What forgetting costs

For each class, and for one, two and three modules left out, or 64, 128 and 192 units: the change of the class's mean loss and of the mean over the other nine classes, on the test set.
*)

type Cost = {
    Digit: int
    LeftOut: int
    /// The share of the class's digits that meet what is left out; NaN for units, which all digits meet.
    Met: float
    Class: float
    Others: float
}

let costs
    (before: Said)
    (met: int -> int -> float)
    (without: int -> int -> TrainedNetwork option)
    (parts: Dataset seq)
    : Cost list = [
    let was = by_class before

    for digit in 0..9 do
        for count in 1..3 do
            match without digit count with
            | None -> ()
            | Some edited ->
                use edited = edited
                let change = Array.map2 (-) (say edited parts |> by_class) was

                {
                    Digit = digit
                    LeftOut = count
                    Met = met digit count
                    Class = change[digit]
                    Others = (Array.sum change - change[digit]) / 9.0
                }
]

/// How much more the class loses than the others do, by the costs' mean.
let selectivity (costs: Cost list) = costs |> List.averageBy (fun cost -> cost.Class - cost.Others)

let forget (run: StudyRun) : Cost list =
    printfn $"{run.Name}: every class is forgotten once"

    Trained.within run.Folder (fun opened ->
        use network = Trained.load run.Folder
        let validation, test = opened.Source.Splits.Validation, opened.Source.Splits.Test
        let first count list = if List.length list < count then None else Some(List.truncate count list)
        let tested = say network test

        match run.Row with
        | "modular" ->
            let carriers = say network validation |> modules_of

            let without digit count =
                carriers[digit] |> first count |> Option.map (fun modules -> Edit.exclude "experts" modules network)

            let met digit count =
                let left_out = set (List.truncate count carriers[digit])

                Array.zip tested.Classes tested.Met
                |> Array.filter (fun (known, _) -> known = digit)
                |> Array.averageBy (fun (_, path) -> if Array.exists left_out.Contains path then 1.0 else 0.0)

            costs tested met without test
        | _ ->
            let without (ranking: int list array) digit count =
                ranking[digit]
                |> first (count * width)
                |> Option.map (fun units -> Edit.exclude_units "linear1" units network)

            let held_out = say network validation
            let met _ _ = nan

            let best =
                units_of network validation
                |> List.maxBy (fun ranking -> costs held_out met (without ranking) validation |> selectivity)

            costs tested met (without best) test)

let seen = remembered forget

let mean (part: Cost -> float) (count: int) (run: StudyRun) =
    match seen run |> List.filter (fun cost -> cost.LeftOut = count) with
    | [] -> None
    | found -> found |> List.averageBy part |> Some

let whole (runs: StudyRun list) = runs |> List.filter _.Finished

let text (value: float option) = value |> Option.map (fun value -> $"%.3f{value}") |> Option.defaultValue "–"

let points (colour: int) (runs: StudyRun list) =
    let found = runs |> List.collect seen |> List.filter (fun cost -> cost.LeftOut = 1)

    Chart.Point(
        xy = (found |> List.map (fun cost -> cost.Others, cost.Class)),
        Name = Label.typeset runs.Head.Label,
        MarkerColor = Color.fromString (Palette.colour colour)
    )

let sections (runs: StudyRun list) = [
    let groups = whole runs |> List.groupBy _.Label |> List.map snd

    if not groups.IsEmpty then
        Section.figure
            "One class forgotten"
            "One module left out, or 64 units: each point is a class and a seed. Up is what the class loses, to the right what the others lose, in nats of −log p(y|x, a) on the test set."
            (groups
             |> List.mapi points
             |> Panel.series
             |> Panel.x "the other classes' loss"
             |> Panel.y "the class's loss"
             |> List.singleton
             |> Figure.beside)

        Section.make "All seeds" [
            Content.Table(
                [ "run"; "left out"; "the class loses"; "the others lose"; "the difference" ],
                [
                    for run in whole runs do
                        for count in 1..3 do
                            let of_class, others = mean _.Class count run, mean _.Others count run

                            [
                                run.Name
                                (if run.Row = "modular" then $"{count} modules" else $"{count * width} units")
                                (mean _.Met count run
                                 |> Option.filter (System.Double.IsNaN >> not)
                                 |> Option.map (fun share -> $"%.1f{100.0 * share}")
                                 |> Option.defaultValue "–")
                                text of_class
                                text others
                                text (Option.map2 (-) of_class others)
                            ]
                ]
            )
        ]
]

let finished (number: StudyRun -> float option) (run: StudyRun) = if run.Finished then number run else None

study "forgetting" {
    title "Forgetting a class"
    data_folder "mnist"

    rows rows_of_digits
    measure "the class loses" (finished (mean _.Class 1))
    measure "the others lose" (finished (mean _.Others 1))
    report sections
}
|> Study.main fsi.CommandLineArgs
