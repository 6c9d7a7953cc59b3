namespace ModNet

/// Networks as whole values.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Network =

    /// The network as JSON text, `{ "version": 2, "network": … }`; `of_json` gives it back exactly.
    let to_json (network: Network) : string = Document.write "network" NetworkCodec.network network

    /// The network that `to_json` wrote, or what is wrong with the text, at its JSON path. (Whether the network is
    /// sound is for `check` to say.)
    let of_json (text: string) : Result<Network, Diagnostic> = Document.read "network" NetworkCodec.network text

    /// The network's summary as a table, or all that is wrong with it, a line each: what there is to say of it.
    /// Example: `printfn $"{Network.explain toy}"`
    let explain (network: Network) : string =
        match Check.network network with
        | Ok summary -> string summary
        | Error diagnostics -> diagnostics |> List.map string |> String.concat "\n"

    /// The same network for another vocabulary: `tokens`, and a `softmax` over as many classes, take the new size.
    let with_vocabulary (size: int) (network: Network) =
        let old =
            network.Layers
            |> List.tryPick (function
                | Layer.Tokens vocabulary -> Some vocabulary
                | _ -> None)

        let resize layer =
            match layer with
            | Layer.Tokens _ -> Layer.Tokens size
            | Layer.Softmax classes when Some classes = old -> Layer.Softmax size
            | other -> other

        { network with Layers = List.map resize network.Layers }

    /// The same network, all of whose modular layers run what is chosen by one dispatch. It computes the same, and reads the same
    /// checkpoints.
    /// Example: `Network.with_dispatch Loop lm`
    let with_dispatch (dispatch: Dispatch) (network: Network) : Network =
        network |> LayerTree.modulars (fun modular -> { modular with Dispatch = dispatch })

    /// The customs of a network, its modules' and controllers' among them.
    /// Example: `Network.customs lm`
    let customs (network: Network) : Custom list =
        LayerTree.all network.Layers
        |> List.collect (fun layer -> [
            match layer with
            | Layer.Custom custom -> custom
            | _ -> ()
            match layer.Choosing with
            | Some { Controller = Custom custom } -> custom
            | _ -> ()
        ])

    /// The same network with the code of these customs, wherever one of the same name stands: for a network that was read from JSON, which
    /// holds no code.
    /// Example: `Network.of_json (Network.to_json lm) |> Result.map (Network.with_customs (Network.customs lm))`
    let with_customs (customs: Custom list) (network: Network) : Network =
        let code (custom: Custom) =
            match customs |> List.tryFind (fun given -> given.Name = custom.Name) with
            | Some given -> { custom with Code = given.Code }
            | None -> custom

        network
        |> LayerTree.network (function
            | Layer.Custom custom -> Layer.Custom(code custom)
            | other -> other)
        |> LayerTree.modulars (fun modular ->
            match modular.Controller with
            | Custom custom -> { modular with Controller = Custom(code custom) }
            | _ -> modular)
