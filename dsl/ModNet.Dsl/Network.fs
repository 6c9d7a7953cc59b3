namespace ModNet

open ModNet.Pictures

/// Networks as whole values.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Network =

    /// The network as JSON text, `{ "version": 2, "network": … }`; `of_json` gives it back exactly.
    let to_json (network: Network) : string =
        Document.write "network" (NetworkJson.write network)

    /// The network that `to_json` wrote, or what is wrong with the text, at its JSON path. (Whether the network is
    /// sound is for `check` to say.)
    let of_json (text: string) : Result<Network, Diagnostic> =
        Document.read "network" NetworkJsonReader.read text

    /// The network's summary as a table, or all that is wrong with it, a line each: what there is to say of it.
    /// Example: `printfn $"{Network.explain toy}"`
    let explain (network: Network) : string =
        match Check.network network with
        | Ok summary -> string summary
        | Error diagnostics -> diagnostics |> List.map string |> String.concat "\n"

    let private drawn render (network: Network) =
        Check.plan network |> Result.map (Sketching.ofPlan >> render)

    /// A drawing of the network as SVG text: the layers in order with their shapes, what modular layers choose and how, and
    /// every shared pool once, with a line from each layer that uses it. All that is wrong with a network that is not sound.
    /// Example: `Network.to_svg lm`
    let to_svg (network: Network) : Result<string, Diagnostic list> =
        drawn (Layout.ofSketch >> Svg.ofPicture) network

    /// The same drawing as a Mermaid flowchart, which wikis and code hosts show in place.
    /// Example: `Network.to_mermaid lm`
    let to_mermaid (network: Network) : Result<string, Diagnostic list> = drawn Mermaid.ofSketch network

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

    let rec private dispatching (dispatch: Dispatch) (layer: Layer) : Layer =
        let inside = List.map (dispatching dispatch)

        let chosen (modular: Modular) = {
            modular with
                Dispatch = dispatch
                Pool = {
                    modular.Pool with
                        Units = List.map inside modular.Pool.Units
                }
        }

        match layer with
        | Layer.Modular modular -> Layer.Modular(chosen modular)
        | Layer.ModularGru gru ->
            Layer.ModularGru {
                gru with
                    Candidate = chosen gru.Candidate
            }
        | Layer.Residual layers -> Layer.Residual(inside layers)
        | Layer.SumOf branches -> Layer.SumOf(List.map inside branches)
        | Layer.ConcatOf branches -> Layer.ConcatOf(List.map inside branches)
        | Layer.Repeat(times, layers) -> Layer.Repeat(times, inside layers)
        | Layer.Block(name, layers) -> Layer.Block(name, inside layers)
        | other -> other

    /// The same network, all of whose modular layers run what is chosen by one dispatch. It computes the same, and reads the same
    /// checkpoints.
    /// Example: `Network.with_dispatch Loop lm`
    let with_dispatch (dispatch: Dispatch) (network: Network) : Network = {
        network with
            Layers = List.map (dispatching dispatch) network.Layers
    }
