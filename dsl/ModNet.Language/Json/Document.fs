namespace ModNet

open System.Text.Encodings.Web
open System.Text.Json

/// JSON documents as texts that people can read.
module internal Document =

    /// The version of networks' and experiments' documents. Those of any other version are refused.
    [<Literal>]
    let Version = 2

    let private layout =
        JsonSerializerOptions(
            WriteIndented = true,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            MaxDepth = JsonReader.Depth
        )

    let text (codec: Codec<'T>) (value: 'T) : string = codec.Write(value).ToJsonString layout

    /// What `text` wrote, or what is wrong with any other text.
    let parse (codec: Codec<'T>) (text: string) : Result<'T, Diagnostic> = JsonReader.document codec.Read text

    /// A document with a version and, under one property, what it holds.
    let private holding (property: string) (codec: Codec<'T>) : Codec<'T> =
        Codec.versioned Version (Codec.one property codec)

    let write (property: string) (codec: Codec<'T>) (value: 'T) : string = text (holding property codec) value

    let read (property: string) (codec: Codec<'T>) (json: string) : Result<'T, Diagnostic> =
        parse (holding property codec) json
