(**
# Several generative adversarial networks that swap their critics

Im, Ma, Kim and Taylor (2016, arXiv 1612.04021) train several pairs of a generator and a critic at once, and every so many steps deal the critics to the generators anew (GAP). A generator that always meets the same
critic settles where that one is blind; one that meets others has to cover what they see.

    ./modnet reproduce gap
    ./modnet reproduce gap --quick

The data are 25 Gaussians on a grid of the plane, all equally likely. Four pairs of small networks play with and without swaps of the critics, from the same seeds: weights, noise and minibatches are the same until the
first swap. A mode counts as covered by a generator if at least 20 of its 2,500 samples, a fifth of its share, are within three standard deviations of its middle. Criterion: the four generators cover more modes with swaps
than without, by a sign test over ten seeds with p < .05.
*)
#load "modnet.fsx"

open System
open ModNet
open ModNet.Figures

let side, gap_, deviation = 5, 1.0, 0.05

let middles = [|
    for x in 0 .. side - 1 do
        for y in 0 .. side - 1 -> gap_ * float (x - side / 2), gap_ * float (y - side / 2)
|]

let normal (random: Random) = sqrt (-2.0 * log (1.0 - random.NextDouble())) * cos (2.0 * Math.PI * random.NextDouble())

let grid (scale: Scale) =
    generated "grid" {
        features 2
        classes 25
        points (scale.Pick(10_000, 500))
        held_out 0

        draw (fun random ->
            let mode = random.Next middles.Length
            let x, y = middles[mode]

            Datapoint.labelled
                [| float32 (x + deviation * normal random); float32 (y + deviation * normal random) |]
                mode)
    }

let generator =
    network "generator" {
        features 2
        linear 64 |> relu
        linear 64 |> relu
        linear 2
        gaussian (variance 1.0)
    }

let critic =
    network "critic" {
        features 2
        linear 64 |> relu
        linear 64 |> relu
        linear 1
        bernoulli
    }

let rules swaps (scale: Scale) =
    let length, seen = scale.Pick(3_000, 40), scale.Pick(2_500, 100)

    match swaps with
    | None ->
        game "gap" {
            players 4 "g" generator
            players 4 "d" critic
            turn "d" (discriminate "g")
            turn "g" (deceive "d")
            latent 2
            samples seen
            data (grid scale)
            batch 128
            steps length
            optimizer (Adam 1e-3)
            log_every 100
            validate_every 2_000
        }
    | Some every ->
        game "gap" {
            players 4 "g" generator
            players 4 "d" critic
            turn "d" (discriminate "g")
            turn "g" (deceive "d")
            swap "d" every
            latent 2
            samples seen
            data (grid scale)
            batch 128
            steps length
            optimizer (Adam 1e-3)
            log_every 100
            validate_every 2_000
        }

let apart =
    row "apart" {
        label "four pairs, no swaps"
        seeds [ 1..10 ]
        run (rules None)
    }

let swapped =
    row "swapped" {
        label "critics swapped every 100 steps"
        seeds [ 1..10 ]
        run (fun scale -> rules (Some(scale.Pick(100, 10))) scale)
    }

(** ## What came out *)

/// The mode that a sample is of, if it is within three standard deviations of its middle.
let mode_of (sample: float32 array) =
    middles
    |> Array.tryFindIndex (fun (x, y) ->
        let dx, dy = float sample[0] - x, float sample[1] - y
        sqrt (dx * dx + dy * dy) <= 3.0 * deviation)

let samples_of (run: StudyRun) = GameSamples.read run.Folder "g"

/// How many modes each generator covers.
let covered =
    remembered (fun run -> [
        for generator in samples_of run ->
            let least = generator.Values.Length / 125

            generator.Values
            |> Array.choose mode_of
            |> Array.countBy id
            |> Array.filter (fun (_, count) -> count >= max 1 least)
            |> Array.length
            |> float
    ])

/// The share of samples that are of some mode.
let good =
    remembered (fun run ->
        let all = samples_of run |> List.map _.Values |> Array.concat
        float (all |> Array.choose mode_of |> Array.length) / float all.Length)

let of_row (row: StudyRow) (runs: StudyRun list) =
    runs |> List.filter (fun run -> run.Row = row.Id && run.Finished) |> List.sortBy _.Seed

let pairs (runs: StudyRun list) = [
    for one in of_row apart runs do
        for other in of_row swapped runs do
            if one.Seed = other.Seed then one, other
]

/// The probability of at least so many heads among so many tosses of a coin.
let sign_test (heads: int) (tosses: int) =
    let choose k = [ 1..k ] |> List.fold (fun product i -> product * float (tosses - k + i) / float i) 1.0

    ([ heads..tosses ] |> List.sumBy choose) / Math.Pow(2.0, float tosses)

let criterion (runs: StudyRun list) =
    let differences =
        pairs runs |> List.map (fun (one, other) -> List.average (covered other) - List.average (covered one))

    let up, ties = differences |> List.filter ((<) 0.0), differences |> List.filter ((=) 0.0)
    let tosses = differences.Length - ties.Length
    let p = if tosses = 0 then 1.0 else sign_test up.Length tosses
    let mean = if differences.IsEmpty then 0.0 else List.average differences

    Criteria.row
        "modes covered per generator, swapped against apart: more with swaps, p < .05"
        $"more in {up.Length} of {tosses} seeds that differ (p = %.3f{p}); mean difference %+.2f{mean}"
        (p < 0.05)

let points (run: StudyRun) =
    let real = [|
        let random = Random 1

        for x, y in middles do
            for _ in 1..20 -> [| float32 (x + deviation * normal random); float32 (y + deviation * normal random) |]
    |]

    let clouds =
        samples_of run
        |> List.map (fun generator -> GameFigure.points $"generator {generator.Table + 1}" real generator.Values)

    Section.figure
        $"Samples, {run.Name}"
        "Each generator's samples over the 25 Gaussians of the data."
        (Figure.grid 2 clouds)

let sections (runs: StudyRun list) = [
    if not (pairs runs).IsEmpty then Criteria.section "Criterion" [ criterion runs ]

    for row in [ apart; swapped ] do
        for run in of_row row runs |> List.truncate 1 do
            points run
]

study "gap" {
    title "Generative adversarial networks that swap critics"
    rows [ apart; swapped ]
    measure "modes covered per generator (of 25)" (fun run -> Some(List.average (covered run)))
    measure "samples near a mode [%]" (fun run -> Some(100.0 * good run))
    report (List.filter _.Finished >> sections)
}
|> Study.main fsi.CommandLineArgs
