(**
# Paired differences

Two rows of a study that ran with the same seeds are compared seed by seed, for any study that loads this file.

The distribution of Student's t has a finite sum for whole degrees of freedom (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4).
*)
#load "modnet.fsx"

open System
open ModNet

/// The two-sided p of t with so many degrees of freedom.
let two_sided (t: float) (freedom: int) =
    let angle = atan (abs t / sqrt (float freedom))
    let square = cos angle * cos angle

    // Each term is the one before, times the square and a factor.
    let sum first (factor: int -> float) count =
        Seq.unfold
            (fun (number, term) ->
                if number >= count then None else Some(term, (number + 1, term * square * factor number)))
            (0, first)
        |> Seq.sum

    let inside =
        if freedom % 2 = 0 then
            sin angle * sum 1.0 (fun n -> (2.0 * float n + 1.0) / (2.0 * float n + 2.0)) (freedom / 2)
        else
            let rest = sum (cos angle) (fun n -> (2.0 * float n + 2.0) / (2.0 * float n + 3.0)) ((freedom - 1) / 2)
            2.0 / Math.PI * (angle + sin angle * rest)

    1.0 - inside

type Difference = { Mean: float; Deviation: float; Seeds: int; P: float }

let mean_and_deviation (values: float list) =
    let mean = List.average values
    mean, sqrt (List.sumBy (fun value -> (value - mean) ** 2.0) values / float (max 1 (values.Length - 1)))

/// One measure of two sets of runs, subtracted seed by seed; None with fewer than two seeds in common.
let difference (measure: StudyRun -> float option) (one: StudyRun list) (other: StudyRun list) : Difference option =
    let values runs =
        Map [
            for run in runs do
                match measure run with
                | Some value -> run.Seed, value
                | None -> ()
        ]

    let other = values other

    let differences = [
        for KeyValue(seed, value) in values one do
            match Map.tryFind seed other with
            | Some subtracted -> value - subtracted
            | None -> ()
    ]

    if differences.Length < 2 then
        None
    else
        let mean, deviation = mean_and_deviation differences
        let t = mean / (deviation / sqrt (float differences.Length))
        let p = if deviation = 0.0 then (if mean = 0.0 then 1.0 else 0.0) else two_sided t (differences.Length - 1)
        Some { Mean = mean; Deviation = deviation; Seeds = differences.Length; P = p }

/// Mean ± standard deviation with two decimals; a dash of nothing.
let spread (values: float list) =
    match values with
    | [] -> "–"
    | values ->
        let mean, deviation = mean_and_deviation values
        $"%.2f{mean} ± %.2f{deviation}"
