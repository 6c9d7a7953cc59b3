namespace ModNet.Cli

open System.Collections.Generic
open System.IO
open System.Text
open System.Text.Encodings.Web
open System.Text.Json
open System.Text.Json.Nodes

/// What a cell printed and showed.
[<RequireQualifiedAccess>]
type CellOutput =
    | Words of string
    /// Contents by their media types.
    | Contents of JsonObject

/// Notebooks as files: nbformat 4.5, for the F# kernel of .NET Interactive. Nothing in them changes from one making to the next.
[<RequireQualifiedAccess>]
module NotebookJson =

    let private object (fields: (string * JsonNode) list) = JsonObject(fields |> List.map KeyValuePair)

    let private array (items: JsonNode seq) : JsonNode = JsonArray(Array.ofSeq items)

    let private text (value: string) : JsonNode = JsonValue.Create value

    /// Text as nbformat has it: a list of lines, all but the last with their line ends.
    let private lines (text: string) : JsonNode =
        let parts = text.Split '\n'
        let last = parts.Length - 1

        parts
        |> Seq.mapi (fun index part -> if index < last then part + "\n" else part)
        |> Seq.filter ((<>) "")
        |> Seq.map (fun line -> JsonValue.Create line :> JsonNode)
        |> array

    let private contents (all: JsonObject) =
        object [
            for KeyValue(mediaType, content) in all do
                match content with
                | :? JsonValue as said -> mediaType, lines (said.GetValue<string>())
                | data -> mediaType, data.DeepClone()
        ]

    let private output output : JsonNode =
        match output with
        | CellOutput.Words words -> object [ "name", text "stdout"; "output_type", text "stream"; "text", lines words ]
        | CellOutput.Contents all ->
            object [ "data", contents all; "metadata", object []; "output_type", text "display_data" ]

    let private language = "fsharp"

    let private cell index (cell: Cell) (count: int, outputs: CellOutput list) : JsonNode =
        let id = "id", text $"cell-{index + 1}"

        match cell with
        | Cell.Markdown said ->
            object [
                "cell_type", text "markdown"
                id
                "metadata", object []
                "source", lines (String.concat "\n" said)
            ]
        | Cell.Code(code, _) ->
            object [
                "cell_type", text "code"
                "execution_count", JsonValue.Create count
                id
                "metadata",
                object [
                    "dotnet_interactive", object [ "language", text language ]
                    "polyglot_notebook", object [ "kernelName", text language ]
                ]
                "outputs", outputs |> List.map output |> array
                "source", lines (String.concat "\n" code)
            ]

    let private metadata =
        object [
            "kernelspec", object [ "display_name", text ".NET (F#)"; "language", text "F#"; "name", text ".net-fsharp" ]
            "language_info",
            object [
                "file_extension", text ".fs"
                "mimetype", text "text/x-fsharp"
                "name", text "F#"
                "pygments_lexer", text "fsharp"
            ]
        ]

    /// As Jupyter writes its files.
    let private format =
        JsonWriterOptions(
            Indented = true,
            IndentSize = 1,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping
        )

    /// The notebook's text; `outputs` are those of the code cells, in order.
    let write (cells: Cell list) (outputs: CellOutput list list) : string =
        let step (left: CellOutput list list, count) cell =
            match cell, left with
            | Cell.Code _, mine :: rest -> (count + 1, mine), (rest, count + 1)
            | Cell.Code _, [] -> (count + 1, []), ([], count + 1)
            | Cell.Markdown _, _ -> (count, []), (left, count)

        let own, _ = List.mapFold step (outputs, 0) cells

        let notebook =
            object [
                "cells", List.map2 (fun (index, one) own -> cell index one own) (List.indexed cells) own |> array
                "metadata", metadata.DeepClone()
                "nbformat", JsonValue.Create 4
                "nbformat_minor", JsonValue.Create 5
            ]

        use stream = new MemoryStream()

        using (new Utf8JsonWriter(stream, format)) (fun writer -> notebook.WriteTo writer)
        Encoding.UTF8.GetString(stream.ToArray()) + "\n"
