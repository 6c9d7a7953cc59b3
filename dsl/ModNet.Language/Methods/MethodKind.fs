namespace ModNet

open System
open System.ComponentModel

/// What a method's rule may ask.
type internal MethodSite = {
    Notes: Notes
    /// The network's name, which places begin with.
    Root: string
    Plan: Plan
    Data: Data
} with

    /// The place of a setting.
    member site.Place(setting: string) = $"{site.Root}/train/{setting}"

    /// Notes a minibatch without datapoints, or with more than there are.
    member site.Batch(setting: string, size: int) =
        match site.Notes.Positive(site.Place setting, "a number of datapoints", size), Sources.points site.Data with
        | Some size, Some(count, otherwise) when count >= 1 && size > count ->
            site.Notes.Add(
                Fault.BatchAboveData,
                site.Place setting,
                $"at most {count}, the data's points",
                string size,
                $"make the batch smaller{otherwise}"
            )
        | _ -> ()

    /// Notes a rate that is none; zero is one.
    member site.Rate(setting: string, value: float, remedy) =
        site.Notes.NotNegative(Fault.NegativeRate, site.Place setting, "a rate", value, remedy)

    /// Notes a weight of a part of the loss that is none.
    member site.Weight(setting: string, value: float, remedy) =
        site.Notes.NotNegative(Fault.WeightOutOfRange, site.Place setting, "a weight", value, remedy)

    /// Notes what is wrong with the length of training.
    member private site.Length(word: string, gradient: GradientSteps) =
        match gradient.Epochs with
        | None -> site.Notes.Positive(site.Place "steps", $"a number of {word}", gradient.Steps) |> ignore
        | Some epochs when gradient.Steps = 0 ->
            site.Notes.Positive(site.Place "epochs", "a number of epochs", epochs) |> ignore
        | Some epochs ->
            site.Notes.Add(
                Fault.LengthTwice,
                site.Place "epochs",
                "the length of training by `steps` or by `epochs`",
                $"both, {Numbers.grouped (int64 gradient.Steps)} steps and {Numbers.grouped (int64 epochs)} epochs",
                "leave one of them out"
            )

    /// Notes labels that cannot be smoothed so.
    member private site.Smoothing(smoothing: float) =
        let place = site.Place "label_smoothing"

        if not (smoothing >= 0.0 && smoothing < 1.0) then
            site.Notes.Add(
                Fault.SmoothingOutOfRange,
                place,
                "a share in [0, 1)",
                Numbers.ofFloat smoothing,
                "0.1 is usual; 0 is without"
            )
        elif smoothing > 0.0 then
            match List.tryLast site.Plan.Network.Layers with
            | Some(Layer.Gaussian _ | Layer.Bernoulli as head) ->
                site.Notes.Add(
                    Fault.MethodUnfit,
                    place,
                    "a head over classes, `softmax` or `categorical`",
                    (if head.IsBernoulli then "`bernoulli`" else "`gaussian`"),
                    "leave it out, or predict classes"
                )
            | _ -> ()

    /// Notes what is wrong with how gradient steps are taken, all but the batch; the method calls them `word`.
    member site.Steps(word: string, gradient: GradientSteps) =
        site.Length(word, gradient)
        Optimizers.check site.Notes (site.Place "optimizer") gradient.Optimizer
        Schedules.check site.Notes word (site.Place "schedule") gradient.Steps gradient.Schedule

        gradient.ClipNorm
        |> Option.iter (fun norm ->
            site.Notes.PositiveReal(
                Fault.NonPositiveNorm,
                site.Place "clip_norm",
                "a norm",
                norm,
                "1 is usual; leave it out to take gradients as they are"
            ))

        gradient.EarlyStopping
        |> Option.iter (fun evaluations ->
            let place = site.Place "early_stopping"
            site.Notes.Positive(place, "a number of evaluations", evaluations) |> ignore

            Sources.withoutValidation site.Data
            |> Option.iter (fun remedy ->
                site.Notes.Add(
                    Fault.NoValidation,
                    place,
                    "data with a validation set, by which it stops",
                    "none",
                    $"{remedy}, or leave `early_stopping` out"
                )))

        site.Smoothing gradient.LabelSmoothing
        site.Products gradient.Precision

        gradient.AverageWeights
        |> Option.iter (fun decay ->
            if not (decay > 0.0 && decay < 1.0) then
                site.Notes.Add(
                    Fault.DecayOutOfRange,
                    site.Place "average_weights",
                    "a decay in (0, 1)",
                    Numbers.ofFloat decay,
                    "0.999 averages over some thousand steps; leave it out to keep no average"
                ))

        gradient.Shards
        |> Option.iter (fun shards -> site.Notes.Positive(site.Place "shards", "a number of shards", shards) |> ignore)

        gradient.LooseRounds
        |> Option.iter (fun steps ->
            let place = site.Place "loose_rounds"
            site.Notes.Positive(place, "a number of gradient steps", steps) |> ignore

            if gradient.AverageWeights.IsSome then
                site.Notes.Add(
                    Fault.MethodUnfit,
                    place,
                    "no `average_weights` beside it, since every shard has weights of its own",
                    "both",
                    "leave one of them out"
                )

            match site.Plan.Pools |> List.tryFind _.Pool.Spread with
            | Some pool ->
                site.Notes.Add(
                    Fault.MethodUnfit,
                    place,
                    "no modules that are `spread`, since each has its weights on one rank alone",
                    $"those of pool `{pool.Name}`",
                    "leave `loose_rounds` out, or `spread`"
                )
            | None -> ())

    /// Notes products in bfloat16 where there are none to make so.
    member private site.Products(precision: Precision) =
        let refuse got =
            site.Notes.Add(
                Fault.MethodUnfit,
                site.Place "precision",
                "a network with modules in every process, for products in bfloat16",
                got,
                "leave it out"
            )

        match precision, site.Plan.Pools with
        | Float32Products, _ -> ()
        | Bfloat16Products, [] -> refuse "a network without modules"
        | Bfloat16Products, pools ->
            pools
            |> List.tryFind _.Pool.Spread
            |> Option.iter (fun pool -> refuse $"the modules of pool `{pool.Name}`, which are spread")

    /// Notes what is wrong with how gradient steps are taken.
    member site.Gradient(gradient: GradientSteps) =
        site.Batch("batch", gradient.Batch)
        site.Steps("gradient steps", gradient)

    /// The layers that make latent choices, at any depth, in order.
    member site.Choosing: (PlannedLayer * Modular) list = [
        for planned in site.Plan.Layers |> List.collect _.Unfolded do
            match planned.Layer.Choosing with
            | Some { Controller = Given | ByTask }
            | None -> ()
            | Some modular -> planned, modular
    ]

/// All that is to be said of one training method, whose settings are a 'P.
type internal MethodKind<'P> = {
    Word: string
    Get: Method -> 'P option
    Make: 'P -> Method
    Fields: Fields<'P, 'P>
    /// Notes what is wrong with it, and what does not go with the network and the data.
    Check: MethodSite -> 'P -> unit
}

/// The same for any method.
type internal AnyMethodKind = { Is: Method -> bool; Json: Case<Method>; Check: MethodSite -> Method -> unit }

module internal MethodKind =

    /// How gradient steps are taken unless said.
    let plain: GradientSteps = {
        Batch = 128
        Steps = 50_000
        Optimizer = Adam 1e-3
        Unselected = Drift
        Schedule = Constant
        ClipNorm = None
        EarlyStopping = None
        Epochs = None
        LabelSmoothing = 0.0
        AverageWeights = None
        Shards = None
        LooseRounds = None
        Precision = Float32Products
    }

    /// The kind without its type of settings.
    let any (kind: MethodKind<'P>) : AnyMethodKind = {
        Is = kind.Get >> Option.isSome
        Json = Codec.case kind.Word kind.Get kind.Make kind.Fields
        Check = fun site method -> kind.Get method |> Option.iter (kind.Check site)
    }

    let unselected = Codec.words [ Drift, "drift"; Rest, "rest" ]

    let precision = Codec.words [ Float32Products, "float32_products"; Bfloat16Products, "bfloat16_products" ]

    let clipNorm = Codec.optional "clip_norm" (fun (gradient: GradientSteps) -> gradient.ClipNorm) Codec.float

    let earlyStopping =
        Codec.optional "early_stopping" (fun (gradient: GradientSteps) -> gradient.EarlyStopping) Codec.int

    /// The settings that came later, each written only where it is said.
    let later: Fields<GradientSteps, GradientSteps -> GradientSteps> =
        Codec.fields {
            let! epochs = Codec.optional "epochs" (fun (gradient: GradientSteps) -> gradient.Epochs) Codec.int
            and! smoothing = Codec.unlessPlain "label_smoothing" 0.0 _.LabelSmoothing Codec.float
            and! average = Codec.optional "average_weights" _.AverageWeights Codec.float
            and! shards = Codec.optional "shards" _.Shards Codec.int
            and! rounds = Codec.optional "loose_rounds" _.LooseRounds Codec.int
            and! precision = Codec.unlessPlain "precision" Float32Products _.Precision precision

            return
                fun gradient -> {
                    gradient with
                        Epochs = epochs
                        LabelSmoothing = smoothing
                        AverageWeights = average
                        Shards = shards
                        LooseRounds = rounds
                        Precision = precision
                }
        }

    let gradient: Fields<GradientSteps, GradientSteps> =
        Codec.fields {
            let! batch = Codec.field "batch" (fun (gradient: GradientSteps) -> gradient.Batch) Codec.int
            and! steps = Codec.field "steps" _.Steps Codec.int
            and! optimizer = Codec.field "optimizer" _.Optimizer Optimizers.codec
            and! unselected = Codec.field "unselected" _.Unselected unselected
            and! schedule = Codec.field "schedule" _.Schedule Schedules.codec
            and! clipNorm = clipNorm
            and! earlyStopping = earlyStopping
            and! later = later

            return
                later {
                    plain with
                        Batch = batch
                        Steps = steps
                        Optimizer = optimizer
                        Unselected = unselected
                        Schedule = schedule
                        ClipNorm = clipNorm
                        EarlyStopping = earlyStopping
                }
        }

/// A method half said: what is its own, how its gradient steps are taken, and whether their number was said.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type MethodDraft<'Own> = internal { Own: 'Own; Gradient: GradientSteps; StepsSaid: bool }

/// The settings that all methods have in common.
[<AbstractClass>]
type MethodSettings<'Own> internal (own: 'Own) =
    inherit SettingsBlock<MethodDraft<'Own>>({ Own = own; Gradient = MethodKind.plain; StepsSaid = false })

    /// Datapoints in a minibatch, ≥ 1; 128 unless said.
    /// Example: `batch 128`
    [<CustomOperation "batch">]
    member _.Batch(draft: MethodDraft<'Own>, size: int) : MethodDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with Batch = size }
    }

    /// The number of gradient steps in all, ≥ 1; 50,000 unless said, here or by `epochs`.
    /// Example: `steps 3_000`
    [<CustomOperation "steps">]
    member _.Steps(draft: MethodDraft<'Own>, count: int) : MethodDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with Steps = count }
            StepsSaid = true
    }

    /// The length of training in place of `steps`: as many gradient steps as go this many times through the training data, ≥ 1. An epoch is
    /// ⌈datapoints / batch⌉ steps (of a text, whose datapoints are windows, that carries state: ⌊windows / batch⌋). EM's epochs are of its M-steps; its E-steps come on top.
    /// Example: `epochs 20`
    [<CustomOperation "epochs">]
    member _.Epochs(draft: MethodDraft<'Own>, count: int) : MethodDraft<'Own> = {
        draft with
            Gradient = {
                draft.Gradient with
                    Steps = (if draft.StepsSaid then draft.Gradient.Steps else 0)
                    Epochs = Some count
            }
    }

    /// What takes the gradient steps on θ and φ: `Adam rate`, `AdamW (rate, decay)` or `Sgd (rate, momentum)`; `Adam 1e-3` unless
    /// said. Rates are > 0, decay ≥ 0, 0 ≤ momentum < 1.
    /// Example: `optimizer (AdamW (1e-3, 0.01))`
    [<CustomOperation "optimizer">]
    member _.Optimizer(draft: MethodDraft<'Own>, optimizer: Optimizer) : MethodDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with Optimizer = optimizer }
    }

    /// What a step does to the modules of a pool that nothing in its minibatch chose: `Drift` lets the optimiser make of a gradient of
    /// zero what it does (moments decay, weights go on moving for a while, `AdamW` shrinks them); with `Rest` each module is trained as by
    /// an optimiser of its own, that only takes the steps in which the module is in use, and a step's cost follows the modules in use, not
    /// M. `Drift` unless said.
    /// Example: `unselected Rest`
    [<CustomOperation "unselected">]
    member _.Unselected(draft: MethodDraft<'Own>, unselected: Unselected) : MethodDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with Unselected = unselected }
    }

    /// What the rate is multiplied by in step t = 0, 1, … of T: `Constant`: 1; `Cosine`: ½ (1 + cos(π t / T));
    /// `Decay (every, factor)`: factor^⌊t / every⌋; `Warmup (steps, after)`: (t + 1) / steps while t < steps, then `after` over the steps
    /// that are left. `Constant` unless said.
    /// Example: `schedule (Warmup (500, Cosine))`
    [<CustomOperation "schedule">]
    member _.Schedule(draft: MethodDraft<'Own>, schedule: Schedule) : MethodDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with Schedule = schedule }
    }

    /// The greatest Euclidean norm, > 0, of the gradients of all parameters together; where theirs is greater, a step first scales them all by one
    /// factor down to it. The gradients of modules that rest or were not chosen are zero there. Gradients are taken as they are unless said.
    /// Example: `clip_norm 1.0`
    [<CustomOperation "clip_norm">]
    member _.ClipNorm(draft: MethodDraft<'Own>, norm: float) : MethodDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with ClipNorm = Some norm }
    }

    /// Ends training after so many evaluations on end, ≥ 1, none of which had a higher log-likelihood of the validation set than the best one
    /// before them. The run is then finished, and its `best.safetensors` is of that best one. Training goes to the end of its steps unless
    /// said. The experiment's `validate_every` says how often it is evaluated.
    /// Example: `early_stopping 5`
    [<CustomOperation "early_stopping">]
    member _.EarlyStopping(draft: MethodDraft<'Own>, evaluations: int) : MethodDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with EarlyStopping = Some evaluations }
    }

    /// ε in [0, 1), the share of every label that the loss spreads evenly over all classes: of a head over classes, a step raises
    /// (1 − ε) · log p(y | x, a) + ε · mean over classes c of log p(c | x, a). What chooses modules takes no notice of it (EM's E-steps, REINFORCE's
    /// credit), nor does any log-likelihood that is reported; `exact` has none. 0, which is without, unless said.
    /// Example: `label_smoothing 0.1`
    [<CustomOperation "label_smoothing">]
    member _.LabelSmoothing(draft: MethodDraft<'Own>, share: float) : MethodDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with LabelSmoothing = share }
    }

    /// d in (0, 1), the decay of an exponential moving average of the weights (and of `batch_norm`'s running averages): after n steps
    /// Σ_i d^(n − i) · θ_i / Σ_i d^(n − i), i from 1 to n. The network is evaluated, traced and opened by `Trained.load` with the average;
    /// training, E-steps included, goes on with the weights themselves. No average is kept unless said.
    /// Example: `average_weights 0.999`
    [<CustomOperation "average_weights">]
    member _.AverageWeights(draft: MethodDraft<'Own>, decay: float) : MethodDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with AverageWeights = Some decay }
    }

    /// S ≥ 1, the number of shards that every minibatch is cut into. Each shard has a forward and backward pass of its own, with its own random numbers, and a step takes
    /// the sum of their gradients, added up in one order: so a run on 1, 2 or 4 machines ends with the same bits, as long as each has a power of two of the shards. Batch
    /// normalisation normalises by a shard's statistics in training. As many as there are ranks (`mpirun -n`), which is 1 for a process by itself, unless said.
    /// Example: `shards 4`
    [<CustomOperation "shards">]
    member _.Shards(draft: MethodDraft<'Own>, count: int) : MethodDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with Shards = Some count }
    }

    /// For slow networks: each shard trains by itself, with weights and an optimiser of its own, for so many gradient steps, ≥ 1, and then all go on from the average of
    /// theirs. A module's rows count by how often the shard chose it in the round; all else counts alike. (Local SGD, Stich 2019; DiLoCo, Douillard et al. 2023, without its
    /// outer optimiser.) Gradients are added in every step unless said.
    /// Example: `loose_rounds 100`
    [<CustomOperation "loose_rounds">]
    member _.LooseRounds(draft: MethodDraft<'Own>, steps: int) : MethodDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with LooseRounds = Some steps }
    }

    /// In which numbers the products of modules are multiplied, in gradient steps, E-steps and evaluation: `Bfloat16Products` rounds their inputs and weights to bfloat16,
    /// which processors that have units for it multiply faster. Weights, gradients of weights, the optimiser, biases, activations, controllers and heads stay in float32; `predict` and
    /// `Trained.load` run in float32. `Float32Products` unless said.
    /// Example: `precision Bfloat16Products`
    [<CustomOperation "precision">]
    member _.Precision(draft: MethodDraft<'Own>, precision: Precision) : MethodDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with Precision = precision }
    }
