namespace ModNet

open System.ComponentModel

/// Nothing of the kind has been said yet.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type Unsaid = private | Unsaid

/// It has been said.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type Said = private | Said

/// A modular layer half said. What has been said of a pool of its own, and of a shared one, is in its type, so that the
/// compiler can refuse both.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type ModularDraft<'Own, 'From> = internal { Hidden: int; Modular: Modular }

/// The settings that `modular` and `modular_gru` have in common.
[<AbstractClass>]
type ModularSettings internal () =
    inherit
        SettingsBlock<ModularDraft<Unsaid, Unsaid>>(
            { Hidden = 0; Modular = ModularLayer.plain (ModularLayer.own 0 []) }
        )

    let withPool (pool: Pool) (draft: ModularDraft<'Own, 'From>) : ModularDraft<'NewOwn, 'NewFrom> = {
        Hidden = draft.Hidden
        Modular = { draft.Modular with Pool = pool }
    }

    let ofUnit layers (draft: ModularDraft<'Own, Unsaid>) : ModularDraft<Said, Unsaid> =
        withPool (PoolSettings.ofUnit layers draft.Modular.Pool) draft

    /// The shared pool whose modules this layer chooses from.
    /// Example: `from words`
    [<CustomOperation "from">]
    member _.From(draft: ModularDraft<Unsaid, Unsaid>, pool: Pool) : ModularDraft<Unsaid, Said> = withPool pool draft

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "from">]
    [<CompilerMessage(WrongChild.FromAfterModules, WrongChild.Code, IsError = true)>]
    member _.From(draft: ModularDraft<'Own, 'From>, pool: Pool) : ModularDraft<Unsaid, Said> = withPool pool draft

    /// M, the number of modules of a pool of the layer's own, ≥ 1.
    /// Example: `modules 2`
    [<CustomOperation "modules">]
    member _.Modules(draft: ModularDraft<'Own, Unsaid>, count: int) : ModularDraft<Said, Unsaid> =
        draft |> withPool { draft.Modular.Pool with Modules = count }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "modules">]
    [<CompilerMessage(WrongChild.ModulesAfterFrom, WrongChild.Code, IsError = true)>]
    member _.Modules(draft: ModularDraft<'Own, Said>, _: int) = draft

    /// What each module of a pool of the layer's own is, x [in] → [unit]: a layer, a `chain { … }`, an `mlp`, or a custom
    /// module. Modules make no choices themselves. With `mixed { … }`, which says them one by one, M need not be said.
    /// Example: `unit (linear 2 |> no_bias)`
    [<CustomOperation "unit">]
    member _.Unit(draft: ModularDraft<'Own, Unsaid>, Chain layers) = ofUnit layers draft

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "unit">]
    member _.Unit(draft: ModularDraft<'Own, Unsaid>, layer: Layer) = ofUnit [ layer ] draft

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "unit">]
    member _.Unit(draft: ModularDraft<'Own, Unsaid>, linear: LinearSpec) = ofUnit [ Layer.Linear linear ] draft

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "unit">]
    member _.Unit(draft: ModularDraft<'Own, Unsaid>, conv: ConvSpec) = ofUnit [ Layer.Conv conv ] draft

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "unit">]
    member _.Unit(draft: ModularDraft<'Own, Unsaid>, Transposed conv) = ofUnit [ Layer.ConvTranspose conv ] draft

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "unit">]
    member _.Unit(draft: ModularDraft<'Own, Unsaid>, conv: Conv1dSpec) = ofUnit [ Layer.Conv1d conv ] draft

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "unit">]
    member _.Unit(draft: ModularDraft<'Own, Unsaid>, custom: Custom) = ofUnit [ Layer.Custom custom ] draft

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "unit">]
    member _.Unit(draft: ModularDraft<'Own, Unsaid>, units: Mixed) : ModularDraft<Said, Unsaid> =
        withPool (PoolSettings.ofMixed units draft.Modular.Pool) draft

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "unit">]
    [<CompilerMessage(WrongChild.ModulesAfterFrom, WrongChild.Code, IsError = true)>]
    member _.Unit(draft: ModularDraft<'Own, Said>, _: 'Other) = draft

    /// How the linear maps and convolutions of a pool of the layer's own begin; `Uniform` unless said.
    /// Example: `init Glorot`
    [<CustomOperation "init">]
    member _.Init(draft: ModularDraft<'Own, Unsaid>, init: Init) : ModularDraft<Said, Unsaid> =
        draft |> withPool { draft.Modular.Pool with Init = init }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "init">]
    [<CompilerMessage(WrongChild.ModulesAfterFrom, WrongChild.Code, IsError = true)>]
    member _.Init(draft: ModularDraft<'Own, Said>, _: Init) = draft

    /// Where several ranks train together, has the modules of a pool of the layer's own live on them, M / R on each, and rows go to their modules and
    /// back; unless said every rank has all modules. For modules of one `linear` layer.
    /// Example: `spread`
    [<CustomOperation "spread">]
    member _.Spread(draft: ModularDraft<'Own, Unsaid>) : ModularDraft<Said, Unsaid> =
        draft |> withPool { draft.Modular.Pool with Spread = true }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CustomOperation "spread">]
    [<CompilerMessage(WrongChild.ModulesAfterFrom, WrongChild.Code, IsError = true)>]
    member _.Spread(draft: ModularDraft<'Own, Said>) = draft

    /// K, how many modules are chosen, 1 ≤ K ≤ M; 1 unless said.
    /// Example: `choose 3`
    [<CustomOperation "choose">]
    member _.Choose(draft: ModularDraft<'Own, 'From>, count: int) : ModularDraft<'Own, 'From> = {
        draft with
            Modular = { draft.Modular with Choose = count }
    }

    /// `Sum` (Eq. 1; unless said) gives [unit]; `Concat` gives [K · unit], images side by side in channels.
    /// Example: `combine Concat`
    [<CustomOperation "combine">]
    member _.CombineBy(draft: ModularDraft<'Own, 'From>, combine: Combine) : ModularDraft<'Own, 'From> = {
        draft with
            Modular = { draft.Modular with Combine = combine }
    }

    /// The form of p(a | x, φ), from the layer's own input: `Linear` (unless said), `Mlp [ 32 ]` with hidden widths, on images
    /// `Conv (8, 3)` with channels and kernel, `Task` with the task id beside the input, `Factored [ 32; 32 ]` for many modules (here
    /// 32 · 32 of them), whose numbers are written as digits with a softmax each, `Given` where the data bring the choices, `ByTask` for a module of each task's own, `Custom` with a module [in] → [K · M] of the user's own.
    /// Example: `controller (Mlp [ 32 ])`
    [<CustomOperation "controller">]
    member _.Controller(draft: ModularDraft<'Own, 'From>, controller: Controller) : ModularDraft<'Own, 'From> = {
        draft with
            Modular = { draft.Modular with Controller = controller }
    }

    /// What a module counts for that several positions of a datapoint chose: `Every` (unless said) time it was chosen (Eq. 1),
    /// or `Once` in all, as in the reference library; `Once` is for sums.
    /// Example: `duplicates Once`
    [<CustomOperation "duplicates">]
    member _.Duplicates(draft: ModularDraft<'Own, 'From>, duplicates: Duplicates) : ModularDraft<'Own, 'From> = {
        draft with
            Modular = { draft.Modular with Duplicates = duplicates }
    }

    /// Keeps the controller's loss, −log p(a* | x), out of the layers before; unless said they learn from it too (Eq. 8).
    /// Example: `stop_gradient`
    [<CustomOperation "stop_gradient">]
    member _.StopGradient(draft: ModularDraft<'Own, 'From>) : ModularDraft<'Own, 'From> = {
        draft with
            Modular = { draft.Modular with StopGradient = true }
    }

    /// How the chosen modules are run; `Auto` unless said. The numbers are the same either way.
    /// Example: `dispatch Wide`
    [<CustomOperation "dispatch">]
    member _.Dispatch(draft: ModularDraft<'Own, 'From>, dispatch: Dispatch) : ModularDraft<'Own, 'From> = {
        draft with
            Modular = { draft.Modular with Dispatch = dispatch }
    }

    /// The modules that this layer may not choose, from 0; none unless said. Their probabilities are exactly 0, and the others' sum to 1.
    /// Example: `masked [ 14 ]`
    [<CustomOperation "masked">]
    member _.Masked(draft: ModularDraft<'Own, 'From>, modules: int list) : ModularDraft<'Own, 'From> = {
        draft with
            Modular = { draft.Modular with Masked = modules }
    }

/// What is refused of any other type, as extensions: members proper go before them, whatever they take.
[<AutoOpen>]
module ModularRefusals =

    type ModularSettings with

        [<EditorBrowsable(EditorBrowsableState.Never)>]
        [<CustomOperation "from">]
        [<CompilerMessage(WrongChild.From, WrongChild.Code, IsError = true)>]
        member _.From(_: ModularDraft<'Own, 'From>, _: 'Other) : ModularDraft<Unsaid, Said> = invalidOp WrongChild.From

        [<EditorBrowsable(EditorBrowsableState.Never)>]
        [<CustomOperation "unit">]
        [<CompilerMessage(WrongChild.Unit, WrongChild.Code, IsError = true)>]
        member _.Unit(_: ModularDraft<'Own, Unsaid>, _: 'Other) : ModularDraft<Said, Unsaid> = invalidOp WrongChild.Unit

/// Sets a modular layer's fields; made by `modular`.
[<Sealed>]
type ModularBuilder internal () =
    inherit ModularSettings()

    /// How many of the last features of a row are for the controller alone: [in] = [units' own, context]. The units read the features before them; none unless said.
    /// A question that decides which modules run, but is not what they compute with, comes in by `concat_of`.
    /// Example: `context 2`
    [<CustomOperation "context">]
    member _.Context(draft: ModularDraft<'Own, 'From>, features: int) : ModularDraft<'Own, 'From> = {
        draft with
            Modular = { draft.Modular with Context = features }
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: ModularDraft<'Own, 'From>) = Layer.Modular draft.Modular

/// Sets a modular GRU's fields; made by `modular_gru`.
[<Sealed>]
type ModularGruBuilder internal () =
    inherit ModularSettings()

    /// H, the width of the state, ≥ 1. What the candidate's units give together must have this width.
    /// Example: `hidden 8`
    [<CustomOperation "hidden">]
    member _.Hidden(draft: ModularDraft<'Own, 'From>, width: int) : ModularDraft<'Own, 'From> = {
        draft with
            Hidden = width
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: ModularDraft<'Own, 'From>) =
        Layer.ModularGru { Hidden = draft.Hidden; Candidate = draft.Modular; Gated = true }

/// Sets a fold's fields; made by `fold`.
[<Sealed>]
type FoldBuilder internal () =
    inherit ModularSettings()

    /// The width of the state h, ≥ 1. What the units give together must have this width.
    /// Example: `width 8`
    [<CustomOperation "width">]
    member _.Width(draft: ModularDraft<'Own, 'From>, width: int) : ModularDraft<'Own, 'From> = {
        draft with
            Hidden = width
    }

    /// Adds a module to the pool, the halt: it leaves h as it is, and a sequence that chose it stays so to its end. What comes after is no choice, so padding changes nothing.
    /// Example: `halts`
    [<CustomOperation "halts">]
    member _.Halts(draft: ModularDraft<'Own, 'From>) : ModularDraft<'Own, 'From> = {
        draft with
            Modular = { draft.Modular with Halts = true }
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: ModularDraft<'Own, 'From>) =
        let modular = draft.Modular

        let pool =
            if modular.Halts && draft.Hidden >= 1 then ModularLayer.halting draft.Hidden modular.Pool else modular.Pool

        Layer.ModularGru { Hidden = draft.Hidden; Candidate = { modular with Pool = pool }; Gated = false }

[<AutoOpen>]
module ModularLayers =

    /// x [in] → [unit] (`Sum`) or [K · unit] (`Concat`): K of a pool's M modules, chosen for each datapoint (Eq. 1).
    /// On a sequence [T, in] → [T, unit] or [T, K · unit], with a choice at every step; images too, with convolutions as units.
    /// Settings: `from`, or `modules`, `unit`, `init` and `spread`; `choose`, `combine`, `controller`, `duplicates`, `stop_gradient`,
    /// `dispatch`, `masked`, `context`. Where one is said twice the last counts.
    /// Example: `modular { modules 2; unit (linear 2 |> no_bias); choose 1 }`
    let modular = ModularBuilder()

    /// x [T, in] → [T, hidden]: a GRU whose candidate state is a modular layer (paper, appendix A), with a choice at every step.
    /// Settings: those of `modular`, and `hidden`.
    /// Example: `modular_gru { hidden 8; from words; choose 1 }`
    let modular_gru = ModularGruBuilder()

    /// x [T, in] → [T, width]: the state after every step, h_t = f_a([h_{t−1}, x_t]), with a choice of f at every step; h begins at zero. Controller and modules are those of all steps, so sequences may be longer
    /// than those that were trained on. `last_step` after it gives the last state.
    /// Settings: those of `modular`, `width`, and `halts`.
    /// Example: `fold { width 8; from words; choose 1 }`
    let fold = FoldBuilder()
