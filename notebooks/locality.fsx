(**
# Does a soft locality penalty make modules?

The authors' blog post: "If this modularization does not occur, might it be beneficial to introduce a soft locality constraint that moves correlated activations together
such that larger parts of the matrix need not be computed entirely because these correspond to ‘inactive modules’?"

    ./modnet reproduce locality --data DIR
    ./modnet reproduce locality --data DIR --quick

DIR holds MNIST's files, or a folder `mnist` with them. `locality λ` after each of two hidden layers adds λ times the mean of A_ij d_ij² over pairs of units to the loss: A is their |correlation| over
the minibatch, d their distance on a ring. The networks, and the runs without a penalty, are those of the study `coactivity`; runs with the same seed start from the same weights and see the
same minibatches. λ is chosen on the validation set: the greatest whose mean accuracy there is at most 1 point below that without the penalty.
Criteria, on the test set, the means over paired seeds: Q rises by at least .1, and accuracy falls by at most 1 point.
*)
#load "units.fsx"

open ModNet
open ModNet.Figures
open Plotly.NET
open Units

let mean_of (value: StudyRun -> float option) (runs: StudyRun list) =
    match runs |> List.choose value with
    | [] -> nan
    | values -> List.average values

let validation (run: StudyRun) = run.Validation.Accuracy |> Option.map ((*) 100.0)

let most_lost = 1.0
let least_gained = 0.1

/// The weight that the validation set chooses, if any.
let chosen (runs: StudyRun list) =
    let least = mean_of validation (of_row without.Id runs) - most_lost

    strengths
    |> List.filter (fun strength ->
        let own = of_row (locality_id strength) runs
        not own.IsEmpty && mean_of validation own >= least)
    |> List.tryLast

let q (run: StudyRun) = (against_of run).Found

let criteria (runs: StudyRun list) =
    match chosen runs with
    | None -> [ Criteria.row "a weight of locality that costs at most 1 point of validation accuracy" "none" false ]
    | Some strength ->
        let pairs = paired without.Id (locality_id strength) runs
        let gains = pairs |> List.map (fun (one, other) -> q other - q one)

        let losses = pairs |> List.map (fun (one, other) -> (accuracy one).Value - (accuracy other).Value)

        let listed digits values = values |> List.map (text digits) |> String.concat ", "

        [
            Criteria.row
                $"λ = {strength}, chosen by validation: Q rises by at least {least_gained}"
                $"{text 3 (List.average gains)} ({listed 3 gains})"
                (List.average gains >= least_gained)
            Criteria.row
                $"accuracy falls by at most {most_lost} point"
                $"{text 2 (List.average losses)} ({listed 2 losses})"
                (List.average losses <= most_lost)
        ]

/// Q and accuracy over the weights, 0 for no penalty.
let curves (runs: StudyRun list) =
    let places = (0.0, of_row without.Id runs) :: [ for s in strengths -> s, of_row (locality_id s) runs ]
    let places = places |> List.filter (snd >> List.isEmpty >> not)

    let panel (name: string) (value: StudyRun -> float option) =
        [
            for seed in runs |> List.map _.Seed |> List.distinct |> List.sort ->
                let own = [
                    for _, runs in places do
                        for run in runs do
                            if run.Seed = seed then value run |> Option.defaultValue nan
                ]

                Chart.Line(
                    x = [ for strength, _ in places -> $"{strength}" ],
                    y = own,
                    Name = $"seed {seed}",
                    ShowMarkers = true,
                    LineColor = Color.fromString (Palette.colour (seed - 1))
                )
        ]
        |> Panel.series
        |> Panel.x "weight of locality λ"
        |> Panel.y name
        |> Panel.classesX

    Section.figure
        "Modularity and accuracy"
        "Q of the communities of the first hidden layer's units, and test accuracy, over the weight of the penalty; a line for each seed."
        (Figure.grid 2 [ panel "modularity Q" (q >> Some); panel "test accuracy [%]" accuracy ])

let line (run: StudyRun) =
    let against = against_of run

    [
        run.Name
        string (communities_of run).Count
        text 3 against.Found
        $"{text 3 against.Mean} ± {text 3 against.Deviation}"
        text 1 against.Z
        run |> validation |> Option.map (text 2) |> Option.defaultValue "–"
        run |> accuracy |> Option.map (text 2) |> Option.defaultValue "–"
    ]

/// The units of the first layer in their own order: with the penalty, those that are alike stand together.
let in_place (run: StudyRun) =
    let graph = (communities_of run).Graph
    let weights = graph.Matrix()

    Section.figure
        $"Co-activity in the order of the units, {run.Name}"
        $"|r| of the {width} units of {layer}, in the order in which they stand; links below {least} are left out."
        (Panel.series [
            Draw.Heat(
                [| for unit in 0 .. width - 1 -> string unit |],
                (0.0, 1.0),
                Array2D.init width width (fun row column -> weights[row, column]),
                Hover = "%{y} and %{x}: %{z:.3~f}<extra></extra>"
            )
         ]
         |> Panel.x "unit"
         |> Panel.y "unit"
         |> Panel.downwards
         |> Panel.height 560)

let sections (runs: StudyRun list) = [
    verdicts (criteria runs)
    curves runs
    Section.make "Runs" [
        Content.Table(
            [ "run"; "communities"; "Q"; "Q, rewired"; "z"; "validation accuracy [%]"; "test accuracy [%]" ],
            runs |> List.map line
        )
    ]
    for id in without.Id :: (chosen runs |> Option.map locality_id |> Option.toList) do
        for run in of_row id runs |> List.truncate 1 do
            in_place run
]

study "locality" {
    title "Soft locality on MNIST"
    data_folder "mnist"
    runs_of "coactivity"
    rows (without :: localities)
    measure "Q" (q >> Some)
    measure "z" (fun run -> Some (against_of run).Z)
    measure "test accuracy [%]" accuracy
    report (List.filter _.Finished >> sections)
}
|> Study.main fsi.CommandLineArgs
