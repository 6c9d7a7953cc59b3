namespace ModNet

open System
open System.Text.Json
open System.Text.Json.Nodes

/// A node of a JSON document with its path from the root: `$.network.layers[2].width`.
type internal JsonPlace = { Path: string; Node: JsonNode }

/// Carries the one diagnostic of a document that cannot be read out to `JsonReader.document`, which returns it.
exception internal JsonFault of Diagnostic

/// A JSON object that is being read, all of whose properties are known.
[<Sealed>]
type internal JsonProperties(path: string, object: JsonObject) =

    /// The property's place; None where it is absent.
    member _.Find(name: string) : JsonPlace option =
        let mutable node = null

        if object.TryGetPropertyValue(name, &node) then Some { Path = $"{path}.{name}"; Node = node } else None

    /// The property's place. Raises JsonFault where it is absent.
    member properties.Item(name: string) : JsonPlace =
        match properties.Find name with
        | Some place -> place
        | None ->
            raise (
                JsonFault {
                    Fault = Fault.BadJson
                    Place = path
                    Expected = $"a property `{name}`"
                    Got = "none"
                    Remedy = "add it"
                }
            )

/// Reads JSON strictly: every property that is wanted must be there, and no other.
module internal JsonReader =

    /// Branches within branches nest deeply: beyond what JSON readers allow unless told.
    [<Literal>]
    let Depth = 1000

    let fail place expected got remedy =
        raise (JsonFault { Fault = Fault.BadJson; Place = place; Expected = expected; Got = got; Remedy = remedy })

    /// The node as a message may quote it: in full if short, else what kind it is.
    let private show (node: JsonNode) =
        match node with
        | null -> "null"
        | node ->
            let text = node.ToJsonString()

            if text.Length <= 40 then text else node.GetValueKind().ToString().ToLowerInvariant()

    let private wrong place expected = fail place.Path expected (show place.Node) "mend this value"

    /// An object that has no other properties than these.
    let properties (names: string list) place =
        match place.Node with
        | :? JsonObject as object ->
            for property in object do
                if not (List.contains property.Key names) then
                    let known = String.Join(", ", names)
                    fail $"{place.Path}.{property.Key}" $"one of {known}" $"`{property.Key}`" "mend or remove it"

            JsonProperties(place.Path, object)
        | _ -> wrong place "an object"

    /// An object whose property names are the keys.
    let map read place =
        match place.Node with
        | :? JsonObject as object ->
            Map.ofSeq (
                seq {
                    for property in object ->
                        property.Key, read { Path = $"{place.Path}.{property.Key}"; Node = property.Value }
                }
            )
        | _ -> wrong place "an object"

    let list read place =
        match place.Node with
        | :? JsonArray as array -> [
            for index, node in Seq.indexed array -> read { Path = $"{place.Path}[{index}]"; Node = node }
          ]
        | _ -> wrong place "an array"

    let option read place =
        match place.Node with
        | null -> None
        | _ -> Some(read place)

    let private value<'Value> expected place =
        match place.Node with
        | :? JsonValue as node ->
            match node.TryGetValue<'Value>() with
            | true, value -> value
            | _ -> wrong place expected
        | _ -> wrong place expected

    let int place =
        match place.Node with
        | :? JsonValue as node when fst (node.TryGetValue<int>()) |> not && fst (node.TryGetValue<int64>()) ->
            wrong place $"an integer of at most {Int32.MaxValue}"
        | _ -> value<int> "an integer" place

    let long place = value<int64> "an integer" place
    let bool place = value<bool> "true or false" place
    let string place = value<string> "a string" place

    /// A number; those that JSON has no numerals for are strings.
    let float place =
        match place.Node with
        | :? JsonValue as node when node.GetValueKind() = JsonValueKind.String ->
            match string place with
            | "NaN" -> nan
            | "Infinity" -> infinity
            | "-Infinity" -> -infinity
            | _ -> wrong place "a number"
        | _ -> value<float> "a number" place

    /// One of a closed set of words, beside which messages name what else may stand there.
    let choiceBeside (others: string) (words: ('Value * string) list) place =
        let names = (words |> List.map (fun (_, word) -> $"\"{word}\"") |> String.concat ", ") + others

        match place.Node with
        | :? JsonValue as node when node.GetValueKind() = JsonValueKind.String ->
            let word = string place

            match words |> List.tryFind (fun (_, name) -> name = word) with
            | Some(value, _) -> value
            | None -> wrong place $"one of {names}"
        | _ -> wrong place $"one of {names}"

    /// One of a closed set of words.
    let choice words place = choiceBeside "" words place

    /// Reads a whole document, or says what is wrong and where.
    let document read (text: string) : Result<'Value, Diagnostic> =
        try
            // A property said twice would leave it open which one counts.
            let options = JsonDocumentOptions(AllowDuplicateProperties = false, MaxDepth = Depth)

            Ok(read { Path = "$"; Node = JsonNode.Parse(text, Nullable(), options) })
        with
        | JsonFault diagnostic -> Error diagnostic
        | :? JsonException as error ->
            Error {
                Fault = Fault.BadJson
                Place = if String.IsNullOrEmpty error.Path then "$" else error.Path
                Expected = "JSON"
                Got = error.Message.TrimEnd '.'
                Remedy = "mend the text"
            }
        // What the reader says of an escape that stands for no character.
        | :? InvalidOperationException as error ->
            Error {
                Fault = Fault.BadJson
                Place = "$"
                Expected = "JSON"
                Got = error.Message.TrimEnd '.'
                Remedy = "mend the text"
            }
