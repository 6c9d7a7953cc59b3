namespace ModNet

open System
open System.Collections.Generic
open System.ComponentModel
open System.Text.Json.Nodes

/// What a script prints while a notebook is made of it, beside its own words: where a cell begins, and outputs that are more
/// than words. A frame is one line of JSON between control characters that no text has.
[<EditorBrowsable(EditorBrowsableState.Never)>]
[<RequireQualifiedAccess>]
type ShowFrame =
    | Cell of index: int
    /// Contents by their media types.
    | Output of contents: JsonObject

/// Writes and reads frames.
[<EditorBrowsable(EditorBrowsableState.Never)>]
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module ShowFrame =

    let private opening = "\u001b]modnet;"
    let private closing = "\u0007"

    /// The environment variable that asks for frames, when it is `frames`.
    let variable = "MODNET_SHOW"

    let write (frame: ShowFrame) : string =
        let json =
            match frame with
            | ShowFrame.Cell index -> JsonObject [ KeyValuePair("cell", JsonValue.Create index :> JsonNode) ]
            | ShowFrame.Output contents -> contents

        opening + json.ToJsonString() + closing

    let private read (json: string) =
        let contents = JsonNode.Parse(json).AsObject()

        match contents["cell"] with
        | null -> ShowFrame.Output contents
        | index -> ShowFrame.Cell(index.GetValue<int>())

    /// Splits what a script printed into words and frames, in order.
    let parse (printed: string) : Choice<string, ShowFrame> list =
        let parts = printed.Split opening

        [
            Choice1Of2 parts[0]

            for part in parts[1..] do
                let stop = part.IndexOf(closing, StringComparison.Ordinal)
                Choice2Of2(read (part.Substring(0, stop)))
                Choice1Of2(part.Substring(stop + closing.Length))
        ]
        |> List.filter (fun part -> part <> Choice1Of2 "")
