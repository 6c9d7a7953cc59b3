namespace ModNet

open System.Collections.Generic
open System.Text.Json.Nodes

/// Where two JSON documents differ.
[<RequireQualifiedAccess>]
module internal JsonDifference =

    let private show (node: JsonNode) =
        match node with
        | null -> "null"
        | node ->
            let text = node.ToJsonString()
            if text.Length <= 60 then text else text[..56] + "…"

    /// A line for every innermost place: `$.network.layers[1].choose: 2, now 3`.
    let rec between (path: string) (before: JsonNode) (now: JsonNode) : string list =
        match before, now with
        | _ when JsonNode.DeepEquals(before, now) -> []
        | (:? JsonObject as before), (:? JsonObject as now) ->
            let names =
                Seq.append before now
                |> Seq.map (fun (field: KeyValuePair<string, JsonNode>) -> field.Key)
                |> Seq.distinct

            [
                for name in names do
                    match before.ContainsKey name, now.ContainsKey name with
                    | true, true -> yield! between $"{path}.{name}" before[name] now[name]
                    | true, false -> $"{path}.{name}: {show before[name]}, now none"
                    | _ -> $"{path}.{name}: none, now {show now[name]}"
            ]
        | (:? JsonArray as before), (:? JsonArray as now) when before.Count = now.Count -> [
            for index in 0 .. before.Count - 1 do
                yield! between $"{path}[{index}]" before[index] now[index]
          ]
        | (:? JsonArray as before), (:? JsonArray as now) -> [
            let shared = min before.Count now.Count
            $"{path}: {before.Count} entries, now {now.Count}"

            for index in 0 .. shared - 1 do
                yield! between $"{path}[{index}]" before[index] now[index]
          ]
        | before, now -> [ $"{path}: {show before}, now {show now}" ]
