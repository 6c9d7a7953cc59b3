namespace ModNet

open System.Text.Encodings.Web
open System.Text.Json
open System.Text.Json.Nodes

/// A JSON document: a version, and under one property what it holds.
module internal Document =

    /// Documents of any other version are refused.
    [<Literal>]
    let Version = 2

    let private layout =
        JsonSerializerOptions(
            WriteIndented = true,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            MaxDepth = JsonReader.Depth
        )

    let write (property: string) (codec: Codec<'T>) (value: 'T) : string =
        let document = JsonObject()
        document.Add("version", JsonValue.Create Version)
        document.Add(property, codec.Write value)
        document.ToJsonString layout

    let read (property: string) (codec: Codec<'T>) (text: string) : Result<'T, Diagnostic> =
        text
        |> JsonReader.document (fun place ->
            let field = JsonReader.properties [ "version"; property ] place
            let version = field "version"

            match JsonReader.int version with
            | Version -> codec.Read(field property)
            | other ->
                JsonReader.fail
                    version.Path
                    $"{Version}"
                    $"{other}"
                    "read it with the ModNet that wrote it, or write it anew")
