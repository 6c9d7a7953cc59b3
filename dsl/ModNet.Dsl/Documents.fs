namespace ModNet

open System.Text.Encodings.Web
open System.Text.Json

/// A JSON document: a version, and under one property what it holds.
module internal Document =

    let private layout =
        JsonSerializerOptions(WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping)

    let write property node =
        let document =
            NetworkJson.object [ "version", NetworkJson.int JsonWords.Version; property, node ]

        document.ToJsonString layout

    let read property readNode text =
        text
        |> JsonReader.document (fun place ->
            let field = JsonReader.properties [ "version"; property ] place
            let version = field "version"

            match JsonReader.int version with
            | JsonWords.Version -> readNode (field property)
            | other ->
                JsonReader.fail
                    version.Path
                    $"{JsonWords.Version}"
                    $"{other}"
                    "read it with the ModNet that wrote it, or write it anew")

/// Networks as whole values.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Network =

    /// The network as JSON text, `{ "version": 1, "network": … }`; `of_json` gives it back exactly.
    let to_json (network: Network) : string =
        Document.write "network" (NetworkJson.write network)

    /// The network that `to_json` wrote, or what is wrong with the text, at its JSON path. (Whether the network is
    /// sound is for `check` to say.)
    let of_json (text: string) : Result<Network, Diagnostic> =
        Document.read "network" NetworkJson.read text

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

/// Experiments as whole values.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Experiment =

    /// The experiment as JSON text, `{ "version": 1, "experiment": … }`; `of_json` gives it back exactly.
    let to_json (experiment: Experiment) : string =
        Document.write "experiment" (ExperimentJson.write experiment)

    /// The experiment that `to_json` wrote, or what is wrong with the text, at its JSON path.
    let of_json (text: string) : Result<Experiment, Diagnostic> =
        Document.read "experiment" ExperimentJson.read text
