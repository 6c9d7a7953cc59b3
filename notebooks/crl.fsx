(**
# Sums that are longer than those of the training

Chang et al. 2019 ("Automatically composing representation transformations as a means for generalization") let a controller choose, step after step, which of several learned functions is applied to what has been computed so far, or to
halt. Functions that were learned on short problems then solve long ones.

The problem here is a sum of digits modulo 10, such as 3 + 8 − 5 − 9. The training has up to five terms, the test has ten. A term is a digit and a sign, and after the last term come steps that say so. The network is a `fold`:
two modules and a halt, of which a controller chooses one at every step, by what it reads. The state is a distribution over ten digits, which a module gives and the next module reads, as the functions of the paper give what they read.
Nobody tells which module is to run where: EM, or REINFORCE, finds that out from the sums alone.

Beside it stands a GRU of more computation a step. Criterion: on sums of ten terms, the fold is at least 20 points more accurate. A fold with one module and a halt shows how much the choice between two modules adds.

    ./modnet reproduce crl
    ./modnet reproduce crl --quick
*)
#load "modnet.fsx"

open System
open ModNet
open ModNet.Figures
open ModNet.Runtime
open Plotly.NET
open TorchSharp

(** ## Sums *)

let digits = 10
let most_terms = 5
let term = digits + 3

/// A sum of so many terms in so many steps: for each step a digit, one of two signs, or the end; and the sum.
let draw_sum (random: Random) (terms: int) (steps: int) =
    let x = Array2D.zeroCreate<float32> steps term
    let mutable sum = 0

    for step in 0 .. steps - 1 do
        if step < terms then
            let digit, minus = random.Next digits, random.Next 2
            x[step, digit] <- 1.0f
            x[step, digits + minus] <- 1.0f
            sum <- sum + (if minus = 1 then -digit else digit)
        else
            x[step, digits + 2] <- 1.0f

    x, ((sum % digits) + digits) % digits

let sums (seed: int) (count: int) (terms: Random -> int) (steps: int) =
    let random = Random seed
    let drawn = Array.init count (fun _ -> draw_sum random (terms random) steps)
    let x = Array3D.init count steps term (fun row step feature -> (fst drawn[row])[step, feature])
    x, Array.map snd drawn

(** ## Networks *)

let fold_of count hidden =
    network "crl-fold" {
        sequence term

        fold {
            width digits
            modules count

            unit (
                chain {
                    linear hidden |> relu
                    linear digits |> activated_by Softmax
                }
            )

            controller (Mlp [ 16 ])
            halts
        }

        last_step
        softmax digits
    }

let gru_network =
    network "crl-gru" {
        sequence term
        gru 64
        last_step
        softmax digits
    }

(** ## Training *)

let held_out_sums = 2_000

let data_of (scale: Scale) =
    let count = scale.Pick(30_000, 600)
    let held = scale.Pick(held_out_sums, 100)
    let x, y = sums 7 (count + held) (fun random -> 1 + random.Next most_terms) (most_terms + 1)

    in_memory "sums" {
        inputs x
        classes digits y
        held_out held
    }

let by_em (scale: Scale) =
    em {
        samples 10
        m_steps 10
        batch 128
        e_batch 256
        steps (scale.Pick(6_000, 30))
        optimizer (Adam 3e-3)
        schedule Cosine
    }

(** E-steps compare joints, log p(y | x, a) + log p(a | x). What follows a halt is no choice, so a sequence that halts early has fewer terms in log p(a | x), which favours it as long as the controller is undecided. REINFORCE rewards log p(y | x, a) alone. *)

let by_reinforce (scale: Scale) =
    reinforce {
        batch 128
        steps (scale.Pick(6_000, 30))
        optimizer (Adam 3e-3)
        schedule Cosine
    }

let plainly (scale: Scale) =
    static_modules {
        batch 128
        steps (scale.Pick(6_000, 30))
        optimizer (Adam 3e-3)
        schedule Cosine
    }

let experiment_of mine (method: Scale -> Method) (scale: Scale) =
    experiment {
        net mine
        data (data_of scale)
        train (method scale)
        log_every 50
        validate_every (scale.Pick(1_000, 15))
    }

(** ## More terms *)

let lengths = [ 1..12 ]
let asked = 10
let test_sums = 2_000

/// The share of sums of so many terms that are right, in percent, for each number of terms.
let by_length =
    remembered (fun run ->
        use trained = run.Folder |> Trained.load_as run.WithCode

        [
            for terms in lengths ->
                use _scope = torch.NewDisposeScope()
                let steps = terms + 1
                let x, y = sums (100 + terms) test_sums (fun _ -> terms) steps

                let flat = [|
                    for row in 0 .. test_sums - 1 do
                        for step in 0 .. steps - 1 do
                            for feature in 0 .. term - 1 -> x[row, step, feature]
                |]

                let said =
                    trained.Predict(torch.tensor(flat).view(int64 test_sums, int64 steps, int64 term))
                    |> TensorArrays.Vector<int64>

                let right = Seq.zip said y |> Seq.filter (fun (said, sum) -> int said = sum) |> Seq.length
                terms, 100.0 * float right / float test_sums
        ])

let at terms (run: StudyRun) = by_length run |> List.find (fst >> (=) terms) |> snd

(** ## What it says *)

let of_row id (runs: StudyRun list) = runs |> List.filter (fun run -> run.Row = id && run.Finished)

let mean_at terms id runs =
    match of_row id runs with
    | [] -> nan
    | found -> found |> List.averageBy (at terms)

let criteria (runs: StudyRun list) = [
    for id, name in [ "fold", "EM"; "reinforce", "REINFORCE" ] do
        let fold, gru = mean_at asked id runs, mean_at asked "gru" runs

        if not (Double.IsNaN(fold - gru)) then
            Criteria.row
                $"{asked} terms: the fold by {name} is at least 20 points above the GRU"
                $"%.1f{fold} %% and %.1f{gru} %%: %+.1f{fold - gru} points"
                (fold - gru >= 20.0)
]

let curves (runs: StudyRun list) =
    [
        for place, (id, name) in
            List.indexed [
                "fold", "fold by EM"
                "reinforce", "fold by REINFORCE"
                "one", "fold, one module"
                "gru", "GRU"
            ] do
            if not (of_row id runs).IsEmpty then
                Chart.Line(
                    x = [ for terms in lengths -> float terms ],
                    y = [ for terms in lengths -> mean_at terms id runs ],
                    Name = name,
                    ShowMarkers = true,
                    LineColor = Color.fromString (Palette.colour place)
                )
    ]
    |> Panel.series
    |> Panel.x "terms"
    |> Panel.y "sums that are right [%]"
    |> Panel.wholeX

let sections (runs: StudyRun list) =
    let runs = runs |> List.filter _.Finished

    if runs.IsEmpty then
        []
    else
        [
            Criteria.section "Criteria" (criteria runs)
            Section.figure
                "Sums by their number of terms"
                $"Accuracy on {test_sums} new sums of each length; the training has up to {most_terms} terms. The mean over seeds."
                (curves runs)
            Section.make "Every seed" [
                Content.Table(
                    "run" :: [ for terms in lengths -> $"{terms} [%%]" ],
                    [ for run in runs -> run.Name :: [ for terms in lengths -> sprintf "%.1f" (at terms run) ] ]
                )
            ]
        ]

let row_of id text mine method =
    row id {
        label text
        seeds [ 1; 2; 3 ]
        run (experiment_of mine method)
    }

study "crl" {
    title "Compositional recursive learner: sums of more terms than the training has"

    rows [
        row_of "fold" "fold, two modules and a halt" (fold_of 2 64) by_em
        row_of "reinforce" "fold, two modules and a halt, by REINFORCE" (fold_of 2 64) by_reinforce
        row_of "one" "fold, one module and a halt" (fold_of 1 128) by_em
        row_of "gru" "GRU" gru_network plainly
    ]

    measure "10 terms [%]" (at asked >> Some)
    measure "5 terms [%]" (at most_terms >> Some)
    measure "validation accuracy [%]" (fun run -> run.Validation.Accuracy |> Option.map ((*) 100.0))
    report sections
}
|> Study.main fsi.CommandLineArgs
