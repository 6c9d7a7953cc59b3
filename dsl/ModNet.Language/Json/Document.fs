namespace ModNet

open System.Text.Encodings.Web
open System.Text.Json

/// A JSON document: a version, and under one property what it holds.
module internal Document =

    let private layout =
        JsonSerializerOptions(
            WriteIndented = true,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            MaxDepth = JsonReader.Depth
        )

    let write property node =
        let document = NetworkJson.object [ "version", NetworkJson.int JsonWords.Version; property, node ]

        document.ToJsonString layout

    let read property readNode text =
        text
        |> JsonReader.document (fun place ->
            let field = JsonReader.properties [ "version"; property ] place
            let version = field "version"

            let read () =
                let place = field property
                JsonUpgrade.early property place.Node
                readNode place

            match JsonReader.int version with
            | JsonWords.Version -> read ()
            | 1 ->
                JsonUpgrade.from1 property (field property).Node
                read ()
            | other ->
                JsonReader.fail
                    version.Path
                    $"{JsonWords.Version}, or 1"
                    $"{other}"
                    "read it with the ModNet that wrote it, or write it anew")
