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

    /// Notes a weight of a part of the loss that is none.
    member site.Weight(setting: string, value: float, remedy) =
        if not (value >= 0.0 && Double.IsFinite value) then
            site.Notes.Add(Fault.WeightOutOfRange, site.Place setting, "a weight ≥ 0", Numbers.ofFloat value, remedy)

    /// Notes what is wrong with how gradient steps are taken, all but the batch; the method calls them `word`.
    member site.Steps(word: string, gradient: GradientSteps) =
        site.Notes.Positive(site.Place "steps", $"a number of {word}", gradient.Steps) |> ignore
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

    /// Notes what is wrong with how gradient steps are taken.
    member site.Gradient(gradient: GradientSteps) =
        site.Batch("batch", gradient.Batch)
        site.Steps("gradient steps", gradient)

    /// The layers that make latent choices, at any depth, in order.
    member site.Choosing: (PlannedLayer * Modular) list = [
        for planned in site.Plan.Layers |> List.collect _.Unfolded do
            match planned.Layer.Choosing with
            | Some { Controller = Given }
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

    /// The kind without its type of settings.
    let any (kind: MethodKind<'P>) : AnyMethodKind = {
        Is = kind.Get >> Option.isSome
        Json = Codec.case kind.Word kind.Get kind.Make kind.Fields
        Check = fun site method -> kind.Get method |> Option.iter (kind.Check site)
    }

    let unselected = Codec.words [ Drift, "drift"; Rest, "rest" ]

    let clipNorm = Codec.optional "clip_norm" (fun (gradient: GradientSteps) -> gradient.ClipNorm) Codec.float

    let earlyStopping =
        Codec.optional "early_stopping" (fun (gradient: GradientSteps) -> gradient.EarlyStopping) Codec.int

    let gradient: Fields<GradientSteps, GradientSteps> =
        Codec.fields {
            let! batch = Codec.field "batch" (fun (gradient: GradientSteps) -> gradient.Batch) Codec.int
            and! steps = Codec.field "steps" _.Steps Codec.int
            and! optimizer = Codec.field "optimizer" _.Optimizer Optimizers.codec
            and! unselected = Codec.field "unselected" _.Unselected unselected
            and! schedule = Codec.field "schedule" _.Schedule Schedules.codec
            and! clipNorm = clipNorm
            and! earlyStopping = earlyStopping

            return {
                Batch = batch
                Steps = steps
                Optimizer = optimizer
                Unselected = unselected
                Schedule = schedule
                ClipNorm = clipNorm
                EarlyStopping = earlyStopping
            }
        }

/// A method half said: what is its own, and how its gradient steps are taken.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type MethodDraft<'Own> = internal { Own: 'Own; Gradient: GradientSteps }

/// The settings that all methods have in common.
[<AbstractClass>]
type MethodSettings<'Own> internal (own: 'Own) =
    inherit
        SettingsBlock<MethodDraft<'Own>>(
            {
                Own = own
                Gradient = {
                    Batch = 128
                    Steps = 50_000
                    Optimizer = Adam 1e-3
                    Unselected = Drift
                    Schedule = Constant
                    ClipNorm = None
                    EarlyStopping = None
                }
            }
        )

    /// Datapoints in a minibatch, ≥ 1; 128 unless said.
    /// Example: `batch 128`
    [<CustomOperation "batch">]
    member _.Batch(draft: MethodDraft<'Own>, size: int) : MethodDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with Batch = size }
    }

    /// The number of gradient steps in all, ≥ 1; 50,000 unless said.
    /// Example: `steps 3_000`
    [<CustomOperation "steps">]
    member _.Steps(draft: MethodDraft<'Own>, count: int) : MethodDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with Steps = count }
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
