namespace ModNet

/// Changes layers of a network by the names that `check` gives them.
[<RequireQualifiedAccess>]
module internal NamedLayers =

    let private named (prefix: string) (names: LayerNames) (layers: Layer list) : (string * Layer) list =
        layers |> List.map (fun layer -> prefix + fst (names.Next layer), layer)

    let rec private within (target: string) (change: Layer -> Layer) prefix names (layers: Layer list) : Layer list =
        named prefix names layers
        |> List.map (fun (name, layer) ->
            if name = target then change layer
            elif target.StartsWith(name + "/") then inside target change name layer
            else layer)

    and private inside target change name layer =
        let part (number: int) = within target change $"{name}/{number + 1}/" LayerNames.Inside

        match layer with
        | Layer.Residual layers -> Layer.Residual(within target change $"{name}/" LayerNames.Inside layers)
        | Layer.Coupling layers -> Layer.Coupling(within target change $"{name}/" LayerNames.Inside layers)
        | Layer.Uncoupling layers -> Layer.Uncoupling(within target change $"{name}/" LayerNames.Inside layers)
        | Layer.Block(block, layers) -> Layer.Block(block, within target change $"{name}/" LayerNames.Inside layers)
        | Layer.SumOf branches -> Layer.SumOf(List.mapi part branches)
        | Layer.ConcatOf branches -> Layer.ConcatOf(List.mapi part branches)
        | Layer.Repeat _ ->
            Refusal.refuse
                name
                "a layer that stands by itself"
                $"`{target}`, which is one of a `repeat`"
                "give its pool a name, which all rounds then share, or say the rounds one by one"
        | other -> other

    /// The network with the layer of this full name changed.
    let change (target: string) (change: Layer -> Layer) (network: Network) : Network = {
        network with
            Layers = within target change "" LayerNames.AtTop network.Layers
    }

    /// The network's own layers with their names, in order, those inside others left out.
    let top (network: Network) : (string * Layer) list = named "" LayerNames.AtTop network.Layers
