namespace ModNet

open System
open System.IO
open System.Text.Json
open System.Text.Json.Nodes
open ModNet.Figures
open ModNet.Runtime

/// What the files of a run folder say beside the log: `summary.json`, `spec.json`, and the names of all of them.
module internal RunFiles =
    /// What reports call a field of the summary: its metric's heading, or its own name.
    let title (field: string) =
        match Metric.Find field with
        | null -> field.Replace('_', ' ')
        | metric -> metric.Heading

    let private text (folder: string) (name: string) =
        let path = Path.Combine(folder, name)

        if File.Exists path then Some(PlainText.Read path) else None

    // If a property stood there twice, nobody could tell which one counts.
    let private strict = JsonDocumentOptions(AllowDuplicateProperties = false)

    /// Raises InvalidOperationException where a text is half of a surrogate pair.
    let rec private spell (node: JsonNode) : unit =
        match node with
        | null -> ()
        | :? JsonObject as fields -> fields |> Seq.iter (fun field -> spell field.Value)
        | :? JsonArray as items -> Seq.iter spell items
        | value -> value.ToString() |> ignore

    let parsed (json: string) : JsonObject option =
        try
            match JsonNode.Parse(json, documentOptions = strict) with
            | :? JsonObject as fields ->
                spell fields
                Some fields
            | _ -> None
        with
        | :? JsonException
        | :? InvalidOperationException -> None

    let summary (folder: string) : JsonObject option =
        try
            text folder "summary.json" |> Option.bind parsed
        with :? UserException ->
            // No text at all is no JSON either.
            None

    let spec (folder: string) : string option = text folder "spec.json"

    /// Every innermost value of a JSON document by the way to it: `network.layers[1].modules`.
    let rec leaves (path: string) (node: JsonNode) : (string * string) list =
        match node with
        | :? JsonObject as fields -> [
            for entry in fields do
                yield! leaves (if path = "" then entry.Key else $"{path}.{entry.Key}") entry.Value
          ]
        | :? JsonArray as items -> [
            for place, item in Seq.indexed items do
                yield! leaves $"{path}[{place}]" item
          ]
        | null -> [ path, "none" ]
        | value -> [ path, value.ToString() ]

    /// What a node holds; None where it is missing or holds something else.
    let value<'Value> (node: JsonNode) : 'Value option =
        match node with
        | :? JsonValue as found ->
            match found.TryGetValue<'Value>() with
            | true, value -> Some value
            | _ -> None
        | _ -> None

    let asNumber (node: JsonNode) : float option =
        match node with
        | :? JsonValue as value when value.GetValueKind() = JsonValueKind.Number -> Some(value.GetValue<float>())
        | _ -> None

    /// A value as a person reads it: short numbers, and lists and objects on one line.
    let rec spoken (field: string) (node: JsonNode) : string =
        match node with
        | null -> ""
        | :? JsonObject as fields ->
            String.Join(", ", fields |> Seq.map (fun entry -> $"{entry.Key} {spoken entry.Key entry.Value}"))
        | :? JsonArray as items -> String.Join(", ", items |> Seq.map (spoken field))
        | node ->
            let unit = Metric.Find field |> Option.ofObj |> Option.map _.Unit |> Option.defaultValue ""

            match asNumber node, unit with
            | Some seconds, "s" -> Label.duration seconds
            | Some share, _ when unit = "%" || field = "agreement" -> $"{Label.number (100.0 * share)} %%"
            | Some identity, _ when field = "seed" -> $"%.0f{identity}"
            | Some value, _ -> Label.number value
            | None, _ ->
                match node.GetValueKind() with
                | JsonValueKind.True -> "yes"
                | JsonValueKind.False -> "no"
                | _ -> node.ToString()

    let command (summary: JsonObject) : string option =
        match summary["command"] with
        | :? JsonArray as words -> Some(String.Join(' ', words |> Seq.map string))
        | null -> None
        | node -> Some(node.ToString())

    /// The summary's objects with a phase's last values, and the names of the phases.
    let phases = [ "final", "train"; "validation", "validation"; "test", "test" ]

    /// An object with the length of each list in the list's place; `summary.json` has the lists.
    let private brief (node: JsonNode) : JsonNode =
        match node with
        | :? JsonObject as fields ->
            let short = JsonObject()

            for entry in fields do
                match entry.Value with
                | :? JsonArray as items -> short.Add(entry.Key, JsonValue.Create(float items.Count))
                | null -> short.Add(entry.Key, null)
                | value -> short.Add(entry.Key, value.DeepClone())

            short
        | other -> other

    /// What stands in the table of settings, not at the report's top.
    let private apart = [ "command"; "versions"; "data" ]

    /// What the summary says of the best checkpoint: at which step, and a phase's values there by the phase's name.
    let best (summary: JsonObject) : (float * (string * JsonObject) list) option =
        match summary["best"] with
        | :? JsonObject as best ->
            asNumber best["step"]
            |> Option.map (fun step ->
                step,
                phases
                |> List.choose (fun (_, phase) ->
                    match best[phase] with
                    | :? JsonObject as values -> Some(phase, values)
                    | _ -> None))
        | _ -> None

    /// The last values of each phase that the summary has, by the phase's name.
    let last (summary: JsonObject) : (string * JsonObject) list =
        phases
        |> List.choose (fun (field, name) ->
            match summary[field] with
            | :? JsonObject as values -> Some(name, values)
            | _ -> None)

    /// The step that the newest checkpoint holds, as `state.json` says; 0 where there is none.
    let checkpointed (folder: string) : int64 =
        text folder "state.json"
        |> Option.bind parsed
        |> Option.bind (fun state -> value<int64> state["step"])
        |> Option.defaultValue 0L

    /// Whether a field of the summary is `true`.
    let isTrue (name: string) (summary: JsonObject) : bool = value<bool> summary[name] = Some true

    /// Names and values of the summary that are about the run as a whole.
    let facts (summary: JsonObject) : (string * string) list =
        let elsewhere = "best" :: apart @ List.map fst phases

        summary
        |> Seq.filter (fun entry -> not (List.contains entry.Key elsewhere))
        |> Seq.map (fun entry -> title entry.Key, spoken entry.Key (brief entry.Value))
        |> Seq.toList

    /// The names that people know, of fields and of their values, where the files have others.
    let private known =
        dict [
            "modnet", "ModNet"
            "dotnet", ".NET"
            "torchsharp", "TorchSharp"
            "os", "system"
            "samples", "S, samples in an E-step"
            "m_steps", "M-steps between two E-steps"
            "batch", "batch"
            "e_batch", "batch of an E-step"
            "optimizer", "optimiser"
            "rate", "learning rate"
            "schedule", "schedule of the learning rate"
            "unselected", "modules that are not selected"
            "start", "a* at the start"
            "held", "a* in an E-step"
            "em", "EM"
            "reinforce", "REINFORCE"
            "noisy_topk", "noisy top-k"
            "loss_free_topk", "loss-free top-k"
            "update_rate", "u, by which a step moves a bias"
            "average_weights", "decay of the average of weights"
            "shards", "shards of a minibatch"
            "loose_rounds", "steps between two averages of shards"
            "precision", "products of modules"
            "bfloat16_products", "in bfloat16"
            "adam", "Adam"
            "sgd", "SGD"
        ]

    let name (field: string) =
        match known.TryGetValue field with
        | true, name -> name
        | _ -> field.Replace('_', ' ')

    /// How many digits of a commit's hash tell it from others.
    let private hashDigits = 10

    /// `0.1.0+HASH` as `0.1.0, commit HASH`, shortened.
    let private version (text: string) =
        match text.Split('+', 2) with
        | [| number; hash |] -> $"{number}, commit {hash.Substring(0, min hashDigits hash.Length)}"
        | _ -> text

    /// A field of the method with its value; a choice that has values of its own, such as the optimiser, is followed by them.
    let rec private setting (field: string, value: JsonNode) : (string * string) list =
        match value with
        | null -> []
        | :? JsonObject as choice when (choice["kind"] :? JsonValue) -> [
            name field, name (spoken field choice["kind"])
            for entry in choice do
                if entry.Key <> "kind" then yield! setting (entry.Key, entry.Value)
          ]
        | value -> [ name field, name (spoken field value) ]

    /// The fields of a method without its steps where their number was not said, because epochs were.
    let private method (fields: JsonObject) : JsonObject =
        if fields.ContainsKey "epochs" then
            let said = fields.DeepClone().AsObject()
            said.Remove "steps" |> ignore
            said
        else
            fields

    /// Names and values of a training method's settings, the method itself first.
    let methodRows (fields: JsonObject) : (string * string) list = setting ("training method", method fields)

    /// Names and values of what is told of data, their kind first; of a list, how long it is.
    let dataRows (data: JsonObject) : (string * string) list = [
        for entry in data do
            let field = if entry.Key = "kind" then "data" else $"data: {name entry.Key}"
            let value = spoken entry.Key ((brief data)[entry.Key])
            field, (if entry.Key = "kind" then name value else value)
    ]

    /// Headings and rows of a run's settings: its training method and what belongs to it, its data, and the versions it was made with. They are read
    /// from `spec.json` and `summary.json`; None where neither says anything of them.
    let settings (folder: string) : (string list * string list list) option =
        let fields (name: string) (parent: JsonObject option) : JsonObject option =
            match parent |> Option.map (fun parent -> parent[name]) with
            | Some(:? JsonObject as fields) -> Some fields
            | _ -> None

        let summary = summary folder

        let rows = [
            match spec folder |> Option.bind parsed |> fields "experiment" |> fields "method" with
            | Some method -> yield! methodRows method
            | None -> ()

            match summary |> fields "data" with
            | Some data -> yield! dataRows data
            | None -> ()

            match summary |> fields "versions" with
            | Some versions ->
                for entry in versions do
                    name entry.Key, version (spoken entry.Key entry.Value)
            | None -> ()
        ]

        if rows.IsEmpty then
            None
        else
            Some([ "setting"; "value" ], rows |> List.map (fun (name, value) -> [ name; value ]))

    /// Headings and rows of the last values: a row for each metric, a column for training, validation and test, and one each for validation and
    /// test at the best step.
    let results (summary: JsonObject) : (string list * string list list) option =
        let present =
            last summary
            @ (best summary
               |> Option.map (fun (step, measured) ->
                   measured |> List.map (fun (phase, values) -> $"best {phase} (step {step:N0})", values))
               |> Option.defaultValue [])

        let measures =
            present
            |> List.collect (fun (_, values) -> values |> Seq.map _.Key |> Seq.toList)
            |> List.distinct
            |> List.except [ "step"; "phase" ]

        if measures.IsEmpty then
            None
        else
            let rows =
                measures
                |> List.map (fun measure ->
                    title measure :: (present |> List.map (fun (_, values) -> spoken measure values[measure])))

            Some("" :: List.map fst present, rows)

    /// M: the one number that spec or summary give for `modules`; None where pools differ in size, or there is no such number.
    let modules (folder: string) : int option =
        let rec numbers (node: JsonNode) : int list =
            match node with
            | :? JsonObject as fields -> [
                for entry in fields do
                    match asNumber entry.Value with
                    | Some count when entry.Key.Equals("modules", StringComparison.OrdinalIgnoreCase) -> int count
                    | _ -> yield! numbers entry.Value
              ]
            | :? JsonArray as items -> items |> Seq.toList |> List.collect numbers
            | _ -> []

        let found =
            [ spec folder |> Option.bind parsed; summary folder ]
            |> List.choose id
            |> List.collect numbers
            |> List.distinct

        match found with
        | [ count ] -> Some count
        | _ -> None

    /// Name and size of the folder's files, the report itself and unfinished files left out.
    let files (folder: string) : (string * int64) list =
        DirectoryInfo(folder).EnumerateFiles()
        |> Seq.filter (fun file ->
            file.Name <> "report.html" && file.Name <> "run.lock" && not (file.Name.StartsWith '.'))
        |> Seq.map (fun file -> file.Name, file.Length)
        |> Seq.sortBy fst
        |> Seq.toList
