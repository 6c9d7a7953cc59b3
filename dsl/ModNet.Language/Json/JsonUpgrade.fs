namespace ModNet

open System.Text.Json.Nodes

/// Documents that were written when there was less to say, made into present ones: what they could not say gets what it
/// meant then. Whatever else is wrong with them is left for the reader to find.
module internal JsonUpgrade =

    let private object (node: JsonNode) =
        match node with
        | :? JsonObject as object -> Some object
        | _ -> None

    let private inside (name: string) (object: JsonObject) change =
        match object[name] with
        | :? JsonObject as found -> change found
        | _ -> ()

    let private add (fields: (string * JsonNode) list) (object: JsonObject) =
        for name, value in fields do
            if not (object.ContainsKey name) then object.Add(name, value)

    let private kind (name: string) : JsonNode = NetworkJson.object [ "kind", NetworkJson.string name ]

    /// One unit became lists of layers.
    let private pool (pool: JsonObject) =
        if pool.ContainsKey "unit" then
            let unit = pool["unit"]
            pool.Remove "unit" |> ignore
            let units = JsonArray()

            if not (isNull unit) then units.Add(JsonArray [| unit |])

            pool.Add("units", units)

        add [ "init", NetworkJson.string "uniform" ] pool

    let private modular (modular: JsonObject) =
        inside "pool" modular pool

        match modular["controller"] with
        | :? JsonValue as word -> modular["controller"] <- kind (word.ToString())
        | _ -> ()

        add [ "duplicates", NetworkJson.string "every"; "stop_gradient", NetworkJson.bool false ] modular

    let private network (network: JsonObject) =
        match network["layers"] with
        | :? JsonArray as layers ->
            for layer in layers |> Seq.choose object do
                match layer["kind"] with
                | :? JsonValue as name when name.ToString() = "modular" -> modular layer
                | :? JsonValue as name when name.ToString() = "modular_gru" -> inside "candidate" layer modular
                | _ -> ()
        | _ -> ()

    let private experiment (experiment: JsonObject) =
        inside "network" experiment network

        inside
            "method"
            experiment
            (add [
                "schedule", kind "constant"
                "controller_weight", NetworkJson.float 1.0
                "start", NetworkJson.string "at_random"
            ])

        add [ "device", kind "cpu"; "checkpoint_every", null ] experiment

    /// Adds to an early document of the present version, in place, what it could not say.
    let early (property: string) (node: JsonNode) =
        let em (method: JsonObject) =
            match method["kind"] with
            | :? JsonValue as name when name.ToString() = "em" -> add [ "held", NetworkJson.string "beside" ] method
            | _ -> ()

        let tracing =
            NetworkJson.object [ "every", null; "rows", NetworkJson.int 128; "at_end", NetworkJson.int 10_000 ]

        let text (data: JsonObject) =
            match data["kind"] with
            | :? JsonValue as name when name.ToString() = "text" -> add [ "carry_state", NetworkJson.bool false ] data
            | _ -> ()

        if property = "experiment" then
            object node
            |> Option.iter (fun experiment ->
                inside "method" experiment em
                inside "method" experiment (add [ "unselected", NetworkJson.string "drift" ])
                inside "data" experiment text
                add [ "trace", tracing; "keep_checkpoints", NetworkJson.int 2 ] experiment)

    /// Changes the node, which is the network or experiment of a document of version 1, in place.
    let from1 (property: string) (node: JsonNode) =
        object node
        |> Option.iter (
            match property with
            | "experiment" -> experiment
            | _ -> network
        )
