namespace ModNet

/// What a training method asks of the network's layers.
module internal MethodRules =

    /// The most compositions of a datapoint that `exact` goes through. The runtime has the same limit (`Compositions.Limit`); a test
    /// compares the two, because neither knows the other.
    [<Literal>]
    let MostCompositions = 65_536

    /// The layers that make latent choices, at any depth, in order.
    let private choosing (layers: PlannedLayer list) : (PlannedLayer * Modular) list = [
        for planned in layers |> List.collect _.Unfolded do
            match planned.Layer.Choosing with
            | Some { Controller = Given }
            | None -> ()
            | Some modular -> planned, modular
    ]

    /// Every layer is one mixture of k of its modules.
    let noisyTopK (notes: Notes) root (plan: Plan) (mixture: NoisyTopK) =
        for planned, modular in choosing plan.Layers do
            let place setting = $"{root}/{planned.Name}/{setting}"

            if modular.Choose > 1 then
                notes.Add(
                    Fault.MethodUnfit,
                    place "choose",
                    "K = 1 for `noisy_topk`, whose k says how many modules run",
                    $"K = {modular.Choose}",
                    "say `choose 1`"
                )

            if modular.Pool.Modules >= 1 && mixture.K > modular.Pool.Modules then
                notes.Add(
                    Fault.KAboveM,
                    $"{root}/train/k",
                    $"k ≤ M = {modular.Pool.Modules} of {planned.Name}",
                    $"k = {mixture.K}",
                    "run fewer modules, or give the pool more"
                )

            if mixture.K > 1 && modular.Combine = Concat then
                notes.Add(
                    Fault.MethodUnfit,
                    place "combine",
                    "`Sum` for `noisy_topk`, which weighs outputs and adds them",
                    "`Concat`",
                    "say `combine Sum`, or train by another method"
                )

            match modular.Controller with
            | Custom _ ->
                notes.Add(
                    Fault.MethodUnfit,
                    place "controller",
                    "a controller that ends in a linear map of its own, beside which `noisy_topk` puts that of its noise",
                    "`Custom`",
                    "use `Linear`, `Mlp`, `Conv` or `Task`"
                )
            | _ -> ()

    /// Penalties are a minibatch's, of one composition for every datapoint.
    let private unpenalised (notes: Notes) root (plan: Plan) =
        for planned in plan.Layers |> List.collect _.Unfolded do
            if planned.Layer.IsActivityL1 then
                notes.Add(
                    Fault.MethodUnfit,
                    $"{root}/{planned.Name}",
                    "no penalties for `exact`, which runs every composition",
                    "`activity_l1`",
                    "leave it out, or train by another method"
                )

    /// M^(K · sites) over all layers must be few enough; how long a sequence is, the data say.
    let exact (notes: Notes) root (plan: Plan) (data: Data) =
        unpenalised notes root plan

        match data with
        | Data.Text { CarryState = true } ->
            notes.Add(
                Fault.MethodUnfit,
                $"{root}/data/carry_state",
                "false under `exact`, whose every composition would leave another state",
                "true",
                "drop `carry_state`, or train by another method"
            )
        | _ -> ()

        let steps =
            match data with
            | Data.Text text -> max 1 text.Window
            | _ -> 1

        let powers = [
            for planned, modular in choosing plan.Layers do
                let sites =
                    match planned.Input with
                    | Shape.Sequence _ -> steps
                    | _ -> 1

                let choices = int64 (max 0 modular.Choose) * int64 sites

                if modular.Pool.Modules > 1 && choices >= 1L then modular.Pool.Modules, choices
        ]

        let size = powers |> List.sumBy (fun (m, n) -> float n * log (float m))

        if size > log (float MostCompositions) + 1e-9 then
            let got =
                [ for modules, choices in powers -> if choices = 1L then $"{modules}" else $"{modules}^{choices}" ]
                |> String.concat " · "

            notes.Add(
                Fault.TooManyCompositions,
                $"{root}/train",
                $"at most {Numbers.grouped (int64 MostCompositions)} compositions per datapoint for `exact`, which goes through them all",
                got,
                "train a smaller network, or train by `em`"
            )
