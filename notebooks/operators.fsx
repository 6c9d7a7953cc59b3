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
open ModNet.Figures
open ModNet.Runtime
open TorchSharp

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

/// Digits by two layers over that pool, each as `layer` makes it.
let of_filters name (layer: Layer list -> Chain) =
    network name {
        image (1, 28, 28)
        conv 8 5 |> same |> stride 2 |> relu
        max_pool 2
        layer [ filtered ]
        layer [ filtered ]
        flatten

        modular {
            modules 4
            unit (linear 32 |> relu)
            choose 1
        }

        softmax 10
    }

let in_residual_blocks = of_filters "operators-mnist" (fun layers -> Chain [ Layer.Residual layers ])
let in_a_chain = of_filters "operators-plain" Chain

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
    let whole = Language.training scale (Language.gru "operators" 5 1) (Language.by_em Language.plain scale)
    { whole with Method = whole.Method.WithSteps(scale.Pick(10_000, 300)) }

(** ## The edits

Each is measured on 2,000 datapoints of the validation set (of a text on 400 windows of 35 words), or else of the test set. The module of the first pool is edited that about half of the datapoints meet, so that both groups have many.
Where an edit leaves something to be learned, training goes on for a twentieth of the run's steps.
*)

type Measured = { Operator: string; Report: EditReport; Note: string; Seconds: float }

let pool_of (run: TrainedNetwork) = run.Plan.Pools.Head.Name

let rows (run: TrainedNetwork) =
    match run.Experiment.Data with
    | Data.Text _ -> 400
    | _ -> 2_000

let number (value: float) = if System.Double.IsNaN value then "–" else $"%.4g{value}"

let measured (run: TrainedNetwork) (operator: string) (edit: TrainedNetwork -> TrainedNetwork * string) =
    printfn $"{run.Experiment.Network.Name}: {operator}"
    let clock = System.Diagnostics.Stopwatch.StartNew()
    let edited, note = edit run
    use edited = edited
    let seconds = clock.Elapsed.TotalSeconds

    { Operator = operator; Report = EditReport.between (rows run) run edited; Note = note; Seconds = seconds }

let plainly edit run : TrainedNetwork * string = edit run, ""

/// The module whose share of datapoints is the nearest to a half, of those that any datapoint meets.
let shared_half (run: TrainedNetwork) (pool: string) (modules: int) : int =
    [ 0 .. modules - 1 ]
    |> List.map (fun number ->
        use without = Edit.exclude pool [ number ] run
        let report = EditReport.between (rows run / 4) run without
        let met, others = float report.Affected.Count, float report.Unaffected.Count
        number, met / (met + others))
    |> List.filter (fun (_, share) -> share > 0.0)
    |> List.minBy (fun (_, share) -> abs (share - 0.5))
    |> fst

(** ### Split

A network that is cut in two says by both halves, one after the other, what it says as a whole. A module alone says what the pool's module says. *)

let said (network: TrainedNetwork) (x: torch.Tensor) =
    use said = Prediction.Of(network.Graph, x, network.Evaluating)
    let values = if isNull said.Probabilities then said.Mode else said.Probabilities
    values.clone ()

/// What the first part gives is flat; an image that the second part reads is not.
let as_read (network: TrainedNetwork) (x: torch.Tensor) =
    match network.Plan.Layers.Head.Output with
    | Shape.Image(channels, height, width) -> x.reshape (-1L, int64 channels, int64 height, int64 width)
    | _ -> x

let largest (one: torch.Tensor) (other: torch.Tensor) = (one - other).abs().max().ToDouble()

let rejoined (layer: string) (folder: string) =
    Trained.within folder (fun opened ->
        use _scope = torch.NewDisposeScope()
        use whole = Trained.load folder
        let first, second = Edit.split_at layer whole
        use first = first
        use second = second
        let x = opened.Source.Splits.Train.Range(0L, 128L).Inputs
        largest (said second (said first x |> as_read second)) (said whole x))

let module_alone (pool: string) (number: int) (run: TrainedNetwork) =
    use _scope = torch.NewDisposeScope()
    use alone = Edit.split_module pool number run
    let known = run.Graph.Pools |> Seq.find (fun known -> known.Name = pool)

    let shape =
        match alone.Plan.Layers.Head.Output with
        | Shape.Image(channels, height, width) -> [ channels; height; width ]
        | Shape.Vector width
        | Shape.Sequence width -> [ width ]
        | Shape.Tokens _ -> []

    let x = torch.randn (Array.ofList (64L :: List.map int64 shape))
    largest (said alone x) (known.Apply(number, x).reshape(64L, -1L))

(** ### Every operator *)

let edits (run: StudyRun) (trained: TrainedNetwork) : Measured list =
    let pool = pool_of trained
    let modules = trained.Plan.Pools.Head.Pool.Modules
    let edited = shared_half trained pool modules
    let other = (edited + 1) % modules
    let more = max 10 (int run.Planned / 20)
    let folder name = System.IO.Path.Combine(run.Folder, "edits", name)

    let fitted (how: Distillation) network =
        let taught, fit = Edit.distil pool edited how network
        taught, $"R² {number fit}"

    // The clone, its original, and the layers that choose between them.
    let choosing =
        trained.Plan.Layers
        |> List.collect _.Unfolded
        |> List.filter (fun layer -> layer.Pool |> Option.exists (fun of_layer -> of_layer.Name = pool))
        |> List.map (fun layer -> $"{layer.Name}/controller")

    let alone (network: TrainedNetwork) =
        match network.Experiment.Data with
        | Data.Text _ -> network |> Edit.freeze [ "embed1"; "softmax" ]
        | _ -> network |> Edit.freeze_but ($"{pool}/{edited}" :: $"{pool}/{modules}" :: choosing)

    let trained_on name edit network =
        use changed: TrainedNetwork = edit network
        Edit.go_on more (folder $"{name}-{edited}") changed, $"{more} steps"

    let has layer = trained.Plan.Layers |> List.exists (fun planned -> planned.Name = layer)

    [
        measured trained "relabel" (plainly (Edit.relabel pool [ modules - 1 .. -1 .. 0 ]))
        measured trained "substitute by a copy" (plainly (Edit.substitute pool edited trained pool edited))
        measured trained "substitute by the next module" (plainly (Edit.substitute pool edited trained pool other))
        measured trained "distil, routed rows" (fitted (Distillation()))
        measured trained "distil, all rows" (fitted (Distillation(Routed = false)))
        measured trained "augment, masked" (plainly (Edit.augment pool 1))
        measured trained "augment, clone" (plainly (Edit.clone pool edited))
        measured trained "augment, clone, then EM" (trained_on "clone" (Edit.clone pool edited >> alone))
        measured trained "EM alone" (trained_on "same" (Edit.freeze []))
        measured trained "exclude" (plainly (Edit.exclude pool [ edited ]))
        measured trained "exclude, then EM" (trained_on "exclude" (Edit.exclude pool [ edited ]))

        if has "residual2" then measured trained "invert the order" (plainly (Edit.swap "residual1" "residual2"))
        elif has "modular2" then measured trained "invert the order" (plainly (Edit.swap "modular1" "modular2"))
    ]

(** A decoder for the frozen modules of the pool: how much of what they read do they let through? *)

let decoded (run: StudyRun) (trained: TrainedNetwork) : float =
    let folder = System.IO.Path.Combine(run.Folder, "edits", "decoder")
    let decoder, fit = Edit.decode (pool_of trained) folder trained
    use _decoder = decoder
    fit

(** Finished runs stay as they are, so each is edited once while this script runs. *)

type Seen = { Edits: Measured list; Rejoined: float; Alone: float; Decoded: float }

let edited =
    remembered (fun run ->
        use trained = Trained.load run.Folder

        let cut =
            match run.Row with
            | "toy" -> "modular1"
            | "ptb" -> "modular_gru1"
            | _ -> "flatten1"

        {
            Edits = edits run trained
            Rejoined = rejoined cut run.Folder
            Alone = module_alone (pool_of trained) 0 trained
            Decoded = decoded run trained
        })

let seen (run: StudyRun) : Seen option = if run.Finished then Some(edited run) else None

(** ## The tables *)

let gain (group: EditedGroup) = snd group.LogLikelihood - fst group.LogLikelihood

/// The largest change of an output that no edit should change, of all edits that leave some datapoints unaffected.
let largest_of (run: StudyRun) =
    seen run
    |> Option.map (fun found ->
        found.Edits
        |> List.filter (fun edit -> edit.Report.Unaffected.Count > 0L)
        |> List.map (fun edit -> edit.Report.Unaffected.LargestChange)
        |> List.max)

let change (operator: string) (run: StudyRun) =
    seen run
    |> Option.bind (fun found -> found.Edits |> List.tryFind (fun edit -> edit.Operator = operator))
    |> Option.map (fun edit -> gain edit.Report.Affected)

/// The change of the mean over all datapoints, affected or not.
let change_of_all (report: EditReport) =
    let sum (group: EditedGroup) = if group.Count = 0L then 0.0 else float group.Count * gain group
    (sum report.Affected + sum report.Unaffected) / float (report.Affected.Count + report.Unaffected.Count)

let section (run: StudyRun) =
    let found = (seen run).Value

    Section.make run.Name [
        Content.Prose
            $"Split and rejoined, the network gives what it gave, to {number found.Rejoined}. A module alone gives what it gave in its pool, to {number found.Alone}. A decoder of the frozen modules gives what they read with R² {number found.Decoded}, on rows that it did not learn from."

        Content.Table(
            [
                "operator"
                "affected [%]"
                "unaffected: largest change"
                "unaffected: predicted otherwise"
                "unaffected: Δ log p(y|x, a)"
                "affected: Δ log p(y|x, a)"
                "affected: predicted otherwise [%]"
                "all: Δ log p(y|x, a)"
                ""
                "seconds"
            ],
            [
                for edit in found.Edits do
                    let affected, unaffected = edit.Report.Affected, edit.Report.Unaffected
                    let share = 100.0 * float affected.Count / float (affected.Count + unaffected.Count)
                    let of_group (group: EditedGroup) text = if group.Count = 0L then "–" else text

                    [
                        edit.Operator
                        $"%.1f{share}"
                        of_group unaffected (number unaffected.LargestChange)
                        of_group unaffected (string unaffected.ChangedPredictions)
                        of_group unaffected (number (gain unaffected))
                        of_group affected (number (gain affected))
                        of_group affected (number (100.0 * float affected.ChangedPredictions / float affected.Count))
                        number (change_of_all edit.Report)
                        edit.Note
                        $"%.1f{edit.Seconds}"
                    ]
            ]
        )
    ]

(** Residual blocks add to what they read, so their order should matter less than that of layers in a chain: paired by seeds. *)

let orders (runs: StudyRun list) =
    let found row =
        runs
        |> List.filter (fun run -> run.Row = row)
        |> List.choose (fun run -> change "invert the order" run |> Option.map (fun value -> run.Seed, value))
        |> Map.ofList

    let residual, chain = found "mnist", found "plain"
    let both = Set.intersect (set residual.Keys) (set chain.Keys)

    [
        if not both.IsEmpty then
            Section.make "The order of two layers" [
                Content.Table(
                    [ "seed"; "residual blocks: Δ log p(y|x, a)"; "a chain: Δ log p(y|x, a)"; "ratio" ],
                    [
                        for seed in both do
                            [
                                string seed
                                number residual[seed]
                                number chain[seed]
                                number (residual[seed] / chain[seed])
                            ]
                    ]
                )
            ]
    ]

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

    measure "unaffected: largest change" largest_of
    measure "exclude: Δ log p, affected" (change "exclude")
    measure "distil, routed: Δ log p, affected" (change "distil, routed rows")
    measure "clone, then EM: Δ log p" (change "augment, clone, then EM")
    measure "invert the order: Δ log p" (change "invert the order")

    report (fun runs ->
        let whole = runs |> List.filter (fun run -> (seen run).IsSome)
        orders whole @ List.map section whole)
}
|> Study.main fsi.CommandLineArgs
