namespace ModNet

open ModNet.Counts

/// What a layer holds and does. Conventions:
/// parameters are all that exist, a shared pool's counted where it is first used;
/// active parameters are those that one datapoint passes through (on a sequence: one step of it), a module counted at
/// every position and layer that chooses it (of mixed units the largest), an embedding as the one row that is read, a controller in full;
/// multiply-adds are the products of that pass, W x of [out, in] being out · in, a convolution's taken at every place; additions of b, activations, the
/// combination of units and a GRU's elementwise products are not counted.
type Cost = { Parameters: int64; Active: int64; MultiplyAdds: int64 }

module internal Cost =

    let private none = { Parameters = 0L; Active = 0L; MultiplyAdds = 0L }

    let private add first second = {
        Parameters = plus first.Parameters second.Parameters
        Active = plus first.Active second.Active
        MultiplyAdds = plus first.MultiplyAdds second.MultiplyAdds
    }

    let sum costs = Seq.fold add none costs

    /// Parameters that every datapoint passes, without products.
    let private passed parameters = { Parameters = parameters; Active = parameters; MultiplyAdds = 0L }

    let private affine input output bias =
        let products = times input output

        { passed (if bias then plus products output else products) with MultiplyAdds = products }

    let private conv input channels kernel bias (places: int64) =
        let one = affine (times input (times (int64 kernel) (int64 kernel))) (int64 channels) bias

        { one with MultiplyAdds = times one.MultiplyAdds places }

    let private channels shape =
        match shape with
        | Shape.Image(channels, _, _) -> int64 channels
        | other -> ShapeRules.Values other

    let private places shape =
        match shape with
        | Shape.Image(_, height, width) -> int64 height * int64 width
        | _ -> 1L

    let private ofCustom (custom: Custom) = { passed custom.Parameters with MultiplyAdds = custom.MultiplyAdds }

    /// K softmaxes over M from a row.
    let private controller (modular: Modular) (row: Shape) (tasks: int option) =
        let logits = times (int64 modular.Choose) (int64 modular.Pool.Modules)
        let values = ShapeRules.Values row

        match modular.Controller with
        | Linear -> affine values logits true
        | Mlp hidden ->
            values :: List.map int64<int> hidden @ [ logits ]
            |> List.pairwise
            |> List.map (fun (input, output) -> affine input output true)
            |> sum
        | Conv(filters, kernel) ->
            add (conv (channels row) filters kernel true (places row)) (affine (int64 filters) logits true)
        | Task -> affine (plus values (int64 (defaultArg tasks 0))) logits true
        | Given -> none
        | Custom custom -> ofCustom custom

    let rec private ofChain (layers: PlannedLayer list) =
        layers |> List.map (fun layer -> add (ofLayer false layer) (ofInside layer)) |> sum

    and private ofInside (layer: PlannedLayer) = layer.Inside |> List.map ofChain |> sum

    /// K of M units; the M are counted only if the pool is new here.
    and private units (modular: Modular) (pool: PlannedPool) isNew =
        let each = pool.Units |> List.map ofChain
        let largest f = each |> List.map f |> List.max
        let chosen = int64 modular.Choose

        let parameters =
            match each with
            | [ one ] -> times (int64 pool.Pool.Modules) one.Parameters
            | each -> (sum each).Parameters

        {
            Parameters = if isNew then parameters else 0L
            Active = times chosen (largest _.Active)
            MultiplyAdds = times chosen (largest _.MultiplyAdds)
        }

    and private modular (settings: Modular) (pool: PlannedPool) tasks isNew =
        add (controller settings pool.Input tasks) (units settings pool isNew)

    /// The cost of a planned layer by itself, without what is inside; `isNew` says whether its pool is first used here.
    and ofLayer isNew (layer: PlannedLayer) : Cost =
        let input = ShapeRules.Values layer.Input

        match layer.Layer, layer.Pool with
        | Layer.Embed size, _ ->
            let vocabulary =
                match layer.Input with
                | Shape.Tokens size -> int64 size
                | _ -> 0L

            { Parameters = times vocabulary (int64 size); Active = int64 size; MultiplyAdds = 0L }
        | Layer.Linear linear, _ -> affine input (int64 linear.Width) linear.Bias
        | Layer.Conv spec, _ -> conv (channels layer.Input) spec.Channels spec.Kernel spec.Bias (places layer.Output)
        | Layer.LayerNorm, _ -> passed (times 2L input)
        | Layer.BatchNorm, _ -> passed (times 2L (channels layer.Input))
        | Layer.Gru hidden, _ -> affine (plus input (int64 hidden)) (3L * int64 hidden) true
        | Layer.Modular settings, Some pool -> modular settings pool layer.Tasks isNew
        | Layer.ModularGru gru, Some pool ->
            // z and r, each [H + in] → [H] with bias; the candidate and its controller read [H + in] too.
            add
                (affine (plus input (int64 gru.Hidden)) (2L * int64 gru.Hidden) true)
                (modular gru.Candidate pool layer.Tasks isNew)
        | Layer.Custom custom, _ -> ofCustom custom
        | Layer.Softmax classes, _ -> affine input (int64 classes) true
        | Layer.Gaussian(Variance.Learned _), _ -> passed 1L
        | _ -> none
