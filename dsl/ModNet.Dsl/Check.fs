namespace ModNet

/// Finds everything that is wrong with a network or an experiment, without making a tensor.
[<RequireQualifiedAccess>]
module Check =

    let private result (notes: Notes) value =
        match notes.All with
        | [] -> Ok(value ())
        | diagnostics -> Error diagnostics

    /// The network with every name, shape and pool inferred, or all that is wrong with it, in order of place.
    let plan (network: Network) : Result<Plan, Diagnostic list> =
        let notes = Notes()
        let plan = Infer(network, notes).Plan
        result notes (fun () -> plan)

    /// The network's summary, or all that is wrong with it, in order of place.
    let network (network: Network) : Result<Summary, Diagnostic list> =
        plan network |> Result.map Summary.ofPlan

    let private tryInput (network: Network) =
        network.Layers |> List.tryFind (fun layer -> Kind.role layer = Role.Input)

    let private tryHead (network: Network) =
        network.Layers |> List.tryFind (fun layer -> Kind.role layer = Role.Head)

    /// The input and head that the data call for; what is missing altogether has been noted in the network.
    let private checkEnds (notes: Notes) root (network: Network) data (isInput, input) (isHead, head) =
        match tryInput network with
        | Some layer when not (isInput layer) ->
            notes.Add(
                Fault.InputUnlikeData,
                $"{root}/data",
                $"data for the network's input `{Kind.ofLayer layer}`",
                $"{data}, which needs `{input}`",
                $"begin the network with `{input}`, or take other data"
            )
        | _ -> ()

        match tryHead network with
        | Some layer when not (isHead layer) ->
            notes.Add(
                Fault.HeadUnlikeData,
                $"{root}/data",
                $"data for the network's head `{Kind.ofLayer layer}`",
                $"{data}, which needs `{head}`",
                $"end the network with `{head}`, or take other data"
            )
        | _ -> ()

    let private checkText (notes: Notes) root (network: Network) (text: TextData) =
        notes.Positive($"{root}/data/window", "a number of steps", text.Window)
        |> ignore

        text.Vocabulary
        |> Option.iter (fun size -> notes.Positive($"{root}/data/vocabulary", "a vocabulary", size) |> ignore)

        checkEnds notes root network "a text" (_.IsTokens, "tokens") (_.IsSoftmax, "softmax")

        match tryInput network with
        | Some(Layer.Tokens size) ->
            match text.Vocabulary with
            | Some words when words <> size ->
                notes.Add(
                    Fault.VocabularyUnlikeData,
                    $"{root}/data/vocabulary",
                    $"{size}, as in the network's `tokens`",
                    string words,
                    "give both the same vocabulary"
                )
            | _ -> ()

            match tryHead network with
            | Some(Layer.Softmax classes) when classes <> size ->
                notes.Add(
                    Fault.VocabularyUnlikeData,
                    $"{root}/softmax/classes",
                    $"{size}, as in `tokens`, for the next word",
                    string classes,
                    $"say `softmax {size}`"
                )
            | _ -> ()
        | _ -> ()

    let private checkToy (notes: Notes) root (network: Network) (plan: Plan) (toy: ToyRegression) =
        let place setting = $"{root}/data/{setting}"

        if toy.Dimensions < 2 then
            notes.Add(
                Fault.NonPositiveSize,
                place "dimensions",
                "D ≥ 2, so that there is something to rotate",
                $"D = {toy.Dimensions}",
                "give it two or more"
            )

        for setting, value in [ "points", toy.Points; "held_out", toy.HeldOut ] do
            notes.Positive(place setting, "a number of points", value) |> ignore

        for setting, value in [ "separation", toy.Separation; "spread", toy.Spread ] do
            notes.PositiveReal(Fault.NonPositiveScale, place setting, "a distance", value, "give it a positive number")

        checkEnds notes root network "the toy regression" (_.IsFeatures, "features") (_.IsGaussian, "gaussian")

        if toy.Dimensions >= 2 then
            for layer in plan.Layers do
                match layer.Layer, layer.Input with
                | (Layer.Features _ | Layer.Gaussian _), Shape.Vector width when width <> toy.Dimensions ->
                    notes.Add(
                        Fault.WidthUnlikeData,
                        $"{root}/{layer.Name}",
                        $"width {toy.Dimensions}, the data's dimensions",
                        $"width {width}",
                        "make the network's input and output as wide as the data"
                    )
                | _ -> ()

    let private checkEm (notes: Notes) root data (em: Em) =
        let place setting = $"{root}/train/{setting}"

        if em.Samples < 1 then
            notes.Add(
                Fault.SBelowOne,
                place "samples",
                "S ≥ 1",
                $"S = {em.Samples}",
                "draw at least one composition per E-step"
            )

        notes.Positive(place "m_steps", "a number of M-steps", em.MSteps) |> ignore

        let batch setting size =
            match notes.Positive(place setting, "a number of datapoints", size), data with
            | Some size, Data.ToyRegression toy when toy.Points >= 1 && size > toy.Points ->
                notes.Add(
                    Fault.BatchAboveData,
                    place setting,
                    $"at most {toy.Points}, the data's points",
                    string size,
                    "make the batch smaller, or draw more points"
                )
            | _ -> ()

        batch "batch" em.Batch

        // Unless said, the E-batch is the batch, and its fault the same one.
        if em.EBatch <> em.Batch then
            batch "e_batch" em.EBatch

        notes.Positive(place "steps", "a number of M-steps", em.Steps) |> ignore
        let (Adam rate) = em.Optimizer

        notes.PositiveReal(Fault.NonPositiveRate, place "optimizer", "a rate", rate, "Adam's usual rate is 1e-3")

    /// The summary of the experiment's network, or all that is wrong with network, data and training, in this order.
    let experiment (experiment: Experiment) : Result<Summary, Diagnostic list> =
        let notes = Notes()
        let walk = Infer(experiment.Network, notes)
        let root = walk.Root
        let plan = walk.Plan

        match experiment.Data with
        | Data.Text text -> checkText notes root experiment.Network text
        | Data.ToyRegression toy -> checkToy notes root experiment.Network plan toy

        match experiment.Method with
        | Method.Em em -> checkEm notes root experiment.Data em

        for setting, steps in [ "log_every", experiment.LogEvery; "validate_every", experiment.ValidateEvery ] do
            notes.Positive($"{root}/{setting}", "a number of M-steps", steps) |> ignore

        result notes (fun () -> Summary.ofPlan plan)

[<AutoOpen>]
module Checks =

    /// The network's summary, or all that is wrong with it, in order of place. No tensor is made.
    /// Example: `check lm`
    let check (network: Network) = Check.network network
