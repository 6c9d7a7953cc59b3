(**
# Six operators on trained networks

A modular system can be changed "and not affect the function of the whole": modules can be split off, substituted, added, excluded, layers inverted in their order, and a pool ported into another network. This
study trains networks once and applies each operator to them. It asks two things of every edit: do datapoints whose path meets no edited module keep their output, and what happens to the others?

    ./modnet reproduce operators --data DIR
    ./modnet reproduce operators --data DIR --quick

DIR holds MNIST's files, or a folder `mnist` with them. [The operators](../docs/operators.md) are explained in the documentation.
*)
#load "language.fsx"

open ModNet
open ModNet.Runtime

(** ## Two networks

The paper's toy, and digits with a pool of convolutions that two residual blocks share. *)

let toy_of (scale: Scale) =
    experiment {
        net (
            network "operators-toy" {
                features 2

                modular {
                    modules 2
                    unit (linear 2 |> no_bias)
                    choose 1
                }

                gaussian (variance 1.0)
            }
        )

        data (toy_regression { points 1_024 })

        train (
            em {
                samples 4
                m_steps 10
                batch 64
                steps (scale.Pick(3_000, 500))
                optimizer (Adam 0.01)
            }
        )
    }

let filters =
    pool "filters" {
        modules 6
        unit (conv 8 3 |> same |> relu)
    }

let filtered =
    modular {
        from filters
        choose 1
        controller (Conv(4, 3))
    }

let in_residual_blocks =
    network "operators-mnist" {
        image (1, 28, 28)
        conv 8 5 |> same |> stride 2 |> relu
        max_pool 2
        residual { filtered }
        residual { filtered }
        flatten

        modular {
            modules 4
            unit (linear 32 |> relu)
            choose 1
        }

        softmax 10
    }

let in_a_chain =
    network "operators-plain" {
        image (1, 28, 28)
        conv 8 5 |> same |> stride 2 |> relu
        max_pool 2
        filtered
        filtered
        flatten

        modular {
            modules 4
            unit (linear 32 |> relu)
            choose 1
        }

        softmax 10
    }

let digits_of network (scale: Scale) =
    experiment {
        net network

        data (
            mnist "" {
                held_out 5_000
                standardise true
            }
        )

        train (
            em {
                samples 5
                m_steps 10
                batch 128
                steps (scale.Pick(10_000, 300))
                optimizer (Adam 1e-3)
            }
        )

        log_every 50
        validate_every (scale.Pick(2_000, 150))
    }

(**
And the language model of Table 1 with M = 5 and K = 1, as `language.fsx` has it, at a fifth of its length: by then it is past its best on the validation text.
*)

let words_of (scale: Scale) =
    let whole = Language.training scale (Language.gru "operators" 5 1) (Language.by_em scale)
    { whole with Method = whole.Method.WithSteps(scale.Pick(10_000, 300)) }

(** ## The edits

Each is measured on 2,000 datapoints of the validation set, or else of the test set. The module of the first pool is edited that most datapoints meet. *)

type Measured = { Operator: string; Report: EditReport; Fit: float option; Seconds: float }

let pool_of (run: TrainedNetwork) = run.Plan.Pools.Head.Name

let measured (run: TrainedNetwork) (operator: string) (edit: TrainedNetwork -> TrainedNetwork * float option) =
    let clock = System.Diagnostics.Stopwatch.StartNew()
    let edited, fit = edit run
    use edited = edited

    {
        Operator = operator
        Report = EditReport.between 2_000 run edited
        Fit = fit
        Seconds = clock.Elapsed.TotalSeconds
    }

let plainly edit run : TrainedNetwork * float option = edit run, None

/// The module that most datapoints meet.
let busiest (run: TrainedNetwork) (pool: string) (modules: int) : int =
    [ 0 .. modules - 1 ]
    |> List.maxBy (fun number ->
        use without = Edit.exclude pool [ number ] run
        (EditReport.between 2_000 run without).Affected.Count)

let edits (run: TrainedNetwork) : Measured list =
    let pool = pool_of run
    let modules = run.Plan.Pools.Head.Pool.Modules
    let most = busiest run pool modules
    let other = (most + 1) % modules
    let fitted (how: Distillation) run = let taught, fit = Edit.distil pool most how run in taught, Some fit

    [
        measured run "relabel" (plainly (Edit.relabel pool [ modules - 1 .. -1 .. 0 ]))
        measured run "substitute by a copy" (plainly (Edit.substitute pool most run pool most))
        measured run "substitute by the next module" (plainly (Edit.substitute pool most run pool other))
        measured run "distil, routed rows" (fitted (Distillation()))
        measured run "distil, all rows" (fitted (Distillation(Routed = false)))
        measured run "augment, masked" (plainly (Edit.augment pool 1))
        measured run "augment, clone" (plainly (Edit.clone pool most))
        measured run "exclude" (plainly (Edit.exclude pool [ most ]))

        if run.Plan.Layers |> List.exists (fun layer -> layer.Name = "residual2") then
            measured run "invert two residual blocks" (plainly (Edit.swap "residual1" "residual2"))
    ]

let known = System.Collections.Generic.Dictionary<string, Measured list>()

/// What the edits of a run did; they are made once.
let seen (run: StudyRun) : Measured list =
    if not (known.ContainsKey run.Folder) then
        use trained = run.Folder |> Trained.load_as run.WithCode
        known[run.Folder] <- edits trained

    known[run.Folder]

let number (value: float) = if System.Double.IsNaN value then "–" else $"%.4g{value}"

let section (run: StudyRun) =
    Section.make run.Label [
        Content.Table(
            [
                "operator"
                "affected [%]"
                "unaffected: largest change"
                "unaffected: predicted otherwise"
                "affected: Δ log p(y|x, a)"
                "affected: predicted otherwise [%]"
                "R² on routed rows"
                "seconds"
            ],
            [
                for edit in seen run do
                    let affected, unaffected = edit.Report.Affected, edit.Report.Unaffected
                    let share = 100.0 * float affected.Count / float (affected.Count + unaffected.Count)

                    [
                        edit.Operator
                        $"%.1f{share}"
                        (if unaffected.Count = 0L then "–" else number unaffected.LargestChange)
                        string unaffected.ChangedPredictions
                        number (snd affected.LogLikelihood - fst affected.LogLikelihood)
                        number (100.0 * float affected.ChangedPredictions / float affected.Count)
                        edit.Fit |> Option.map number |> Option.defaultValue ""
                        $"%.1f{edit.Seconds}"
                    ]
            ]
        )
    ]

/// The largest change of an output that no edit should change: of the unaffected datapoints of all edits but that of the order of layers, which affects all.
let largest (run: StudyRun) =
    seen run
    |> List.filter (fun edit -> edit.Report.Unaffected.Count > 0L)
    |> List.map (fun edit -> edit.Report.Unaffected.LargestChange)
    |> List.max

let change (operator: string) (run: StudyRun) =
    seen run
    |> List.tryFind (fun edit -> edit.Operator = operator)
    |> Option.map (fun edit -> snd edit.Report.Affected.LogLikelihood - fst edit.Report.Affected.LogLikelihood)

study "operators" {
    title "Six operators on trained networks"
    data_folder "mnist"

    rows [
        row "toy" {
            label "the toy regression"
            seeds [ 1; 2; 3 ]
            run toy_of
        }
        row "mnist" {
            label "digits"
            seeds [ 1; 2; 3 ]
            run (digits_of in_residual_blocks)
        }
        row "plain" {
            label "digits, without residual blocks"
            seeds [ 1; 2; 3 ]
            run (digits_of in_a_chain)
        }
        row "ptb" {
            label "language model"
            data_folder "ptb"
            run words_of
        }
    ]

    measure "unaffected: largest change" (largest >> Some)
    measure "exclude: Δ log p, affected" (change "exclude")
    measure "distil, routed: Δ log p, affected" (change "distil, routed rows")
    report (List.map section)
}
|> Study.main fsi.CommandLineArgs
