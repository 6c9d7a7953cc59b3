namespace ModNet.Generators

open ModNet

/// Faults of a network as a whole: its name, its inputs, its heads.
[<RequireQualifiedAccess>]
module internal EndFaults =

    let private usesTasks layers =
        LayerTree.all layers
        |> List.choose _.Choosing
        |> List.exists (fun modular -> modular.Controller = Task || modular.Controller = ByTask)

    let private inputs layers = layers |> List.takeWhile (fun layer -> (Typing.input layer).IsSome || layer.IsTasks)

    let private wrongInput layer =
        match layer with
        | Layer.Tokens _ -> [ Fault.NonPositiveSize, Layer.Tokens 0, "/vocabulary" ]
        | Layer.Sequence _ -> [ Fault.NonPositiveSize, Layer.Sequence 0, "/width" ]
        | Layer.Features _ -> [ Fault.NonPositiveSize, Layer.Features -2, "/width" ]
        | Layer.Image(channels, _, width) -> [
            Fault.NonPositiveSize, Layer.Image(channels, 0, width), ""
            Fault.TooLarge, Layer.Image(100_000, 100_000, 100_000), ""
          ]
        | _ -> []

    let private wrongHead layer shape =
        match layer, shape with
        | Layer.Softmax _, Shape.Sequence _ -> [
            Fault.NonPositiveSize, Layer.Softmax 0, "/classes"
            Fault.VectorExpected, Layer.Bernoulli, ""
            Fault.VectorExpected, Layer.Categorical, ""
          ]
        | Layer.Softmax _, _ -> [ Fault.NonPositiveSize, Layer.Softmax -1, "/classes" ]
        | Layer.Gaussian(Variance.Fixed _), _ -> [
            Fault.NonPositiveVariance, Layer.Gaussian(Variance.Fixed 0.0), "/variance"
            Fault.NonPositiveVariance, Layer.Gaussian(Variance.Fixed infinity), "/variance"
          ]
        | Layer.Gaussian(Variance.Learned _), _ -> [
            Fault.NonPositiveVariance, Layer.Gaussian(Variance.Learned -1.0), "/variance"
          ]
        | _ -> []

    let all (places: Places) = [
        let network = places.Network
        let layers = network.Layers
        let last = layers.Length - 1
        let opening = inputs layers
        let body = layers |> List.take last |> List.skip opening.Length

        let named index layers = List.item index (Places.names layers)

        let withLayers layers = fun () -> { network with Layers = layers }

        let insertion fault index layer =
            let layers = List.insertAt index layer layers
            plant fault (named index layers) (withLayers layers)

        let change index (fault, layer, setting) =
            let layers = List.updateAt index layer layers
            plant fault (named index layers + setting) (withLayers layers)

        plant Fault.BadName "" (fun () -> { network with Name = "left/right" })
        plant Fault.BadName "" (fun () -> { network with Name = " " })
        plant Fault.EmptyNetwork "" (withLayers [])
        plant Fault.NoInput "" (withLayers layers.Tail)
        plant Fault.NoHead "" (withLayers (List.take last layers))
        insertion Fault.TwoInputs 1 layers.Head
        insertion Fault.TwoHeads (last + 1) (Layer.Softmax 2)
        insertion Fault.TwoHeads (last + 1) Layer.Bernoulli
        insertion Fault.LayerAfterHead (last + 1) (Layer.Linear(linear 2))
        insertion Fault.LayerAfterHead (last + 1) (Layer.Activation Tanh)

        match opening with
        | [ input; Layer.Tasks _ as tasks ] ->
            insertion Fault.TwoInputs 2 tasks

            if not (usesTasks body) then change 1 (Fault.NonPositiveSize, Layer.Tasks 0, "/count")

            match body with
            | first :: _ when not (usesTasks [ first ]) ->
                plant Fault.InputNotFirst "tasks" (withLayers (input :: first :: tasks :: List.skip 3 layers))
            | _ -> ()
        | _ ->
            // Columns would then be embedded too late, too.
            if not (List.exists (fun (layer: Layer) -> layer.IsEmbedColumns) body) then
                let late = Layer.Activation Relu :: layers
                plant Fault.InputNotFirst (named 1 late) (withLayers late)

        match body with
        | Layer.EmbedColumns _ as embedded :: rest ->
            let index = opening.Length
            let late = opening @ Layer.LayerNorm :: embedded :: rest @ [ layers[last] ]
            plant Fault.InputNotFirst (named (index + 1) late) (withLayers late)
        | _ -> ()

        match opening, body with
        | Layer.Tokens _ :: _, (Layer.Embed _ as embed) :: _ ->
            let bare = Layer.Features 3 :: layers.Tail
            plant Fault.EmbedWithoutTokens (named (List.findIndex ((=) embed) bare) bare) (withLayers bare)
        | _ -> ()

        for wrong in wrongInput layers.Head do
            change 0 wrong

        for wrong in wrongHead layers[last] places.Chains.Head.Shapes[last] do
            change last wrong
    ]
