namespace ModNet

/// Networks as whole values.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Network =

    /// The network as JSON text, `{ "version": 1, "network": … }`; `of_json` gives it back exactly.
    let to_json (network: Network) : string =
        Document.write "network" (NetworkJson.write network)

    /// The network that `to_json` wrote, or what is wrong with the text, at its JSON path. (Whether the network is
    /// sound is for `check` to say.)
    let of_json (text: string) : Result<Network, Diagnostic> =
        Document.read "network" NetworkJsonReader.read text

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

        {
            network with
                Layers = List.map resize network.Layers
        }
