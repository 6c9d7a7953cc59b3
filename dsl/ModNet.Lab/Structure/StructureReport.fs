namespace ModNet

open System.Globalization
open System.IO
open System.Text.Json.Nodes
open ModNet.Figures
open ModNet.Runtime

/// What a graph's nodes and links are made of.
[<RequireQualifiedAccess>]
type StructureOf =
    /// Units of these layers, by how strongly they are active together over so many datapoints.
    | Activity of layers: string list * datapoints: int * least: float
    /// Units of linear layers, by the weights between them.
    | Weights of least: float
    /// Modules, by the datapoints whose path meets both.
    | Routing

/// The structure of a trained network, as `./modnet structure` tells it.
type StructureReport = {
    /// The network's name.
    Network: string
    Of: StructureOf
    Communities: Communities
    Against: AgainstRewired
    /// Blocks by EM, where they were asked for.
    Blocks: Communities option
    /// What the network loses without each module or unit, where that was asked for.
    Lesions: Lesion list
}

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module StructureReport =

    /// The layers at the network's top that have units of their own: what passes units on one by one, and what only moves them, is left out.
    let private layersOf (run: TrainedNetwork) : string list =
        run.Plan.Layers
        |> List.filter (fun planned ->
            match planned.Layer with
            | Layer.Activation _
            | Layer.ActivityL1 _
            | Layer.AvgPool _
            | Layer.BatchNorm
            | Layer.Dropout _
            | Layer.Flatten
            | Layer.LayerNorm
            | Layer.MaxPool _
            | Layer.Upsample _ -> false
            | layer -> Kind.role layer = Role.Body)
        |> List.map _.Name

    /// The activity of layers over so many datapoints, or as many as there are; links from twice what chance gives, 2/√N, unless it is said from where.
    let internal activity (layers: string list option) (datapoints: int) (least: float option) (run: TrainedNetwork) =
        let there = Trained.withData run (fun _ opened -> (Activations.dataOf opened).Count)
        let count = int (min (int64 datapoints) there)

        StructureOf.Activity(
            layers |> Option.defaultWith (fun () -> layersOf run),
            count,
            least |> Option.defaultWith (fun () -> 2.0 / sqrt (float count) |> min 1.0)
        )

    /// What is asked of a network of which nothing else is said: the routing of one with pools, else the activity of its layers over so many datapoints, with
    /// links from twice what chance gives, 2/√N.
    /// Example: `let usual = Trained.load "runs/mnist" |> StructureReport.usual 1_000`
    let usual (datapoints: int) (run: TrainedNetwork) : StructureOf =
        if run.Plan.Pools.IsEmpty then activity None datapoints None run else StructureOf.Routing

    let private graph (folder: string) (run: TrainedNetwork) (asked: StructureOf) : UnitGraph =
        match asked with
        | StructureOf.Activity(layers, datapoints, least) -> run |> Structure.of_activity layers datapoints least
        | StructureOf.Weights least -> run |> Structure.of_weights least
        | StructureOf.Routing -> Trace.load folder |> Structure.of_routing

    let private lesions (datapoints: int) (run: TrainedNetwork) (asked: StructureOf) (graph: UnitGraph) =
        match asked with
        | StructureOf.Routing -> Structure.lesions datapoints run
        | _ ->
            let known = [ for node in run.Graph.Nodes -> node.Name ]

            Seq.distinct graph.Groups
            |> Seq.filter (fun group -> List.contains group known)
            |> Seq.toList
            |> List.collect (fun layer -> Structure.lesions_of_units layer datapoints run)

    /// The structure of the network in a folder: communities beside those of so many rewired graphs, and, where asked for, that many blocks, and what is lost without
    /// each module or unit over so many datapoints. Raises UserException where the graph cannot be made.
    /// Example: `StructureReport.make "runs/mnist" StructureOf.Routing 50 None None (Trained.load "runs/mnist")`
    let make
        (folder: string)
        (asked: StructureOf)
        (graphs: int)
        (blocks: int option)
        (lesioned: int option)
        (run: TrainedNetwork)
        : StructureReport =
        let graph = graph folder run asked

        {
            Network = run.Experiment.Network.Name
            Of = asked
            Communities = Structure.communities graph
            Against = Structure.against_rewired graphs 1 graph
            Blocks = blocks |> Option.map (fun count -> Structure.blocks count graph)
            Lesions =
                match lesioned with
                | Some datapoints -> lesions datapoints run asked graph
                | None -> []
        }

    let private real (digits: int) (value: float) =
        if System.Double.IsNaN value then "–" else value.ToString($"F{digits}", CultureInfo.InvariantCulture)

    let private percent (value: float) = real 1 (100.0 * value) + " %"

    let private sentence (report: StructureReport) =
        match report.Of with
        | StructureOf.Activity(layers, datapoints, least) ->
            let layers = String.concat ", " layers
            $"units of {layers}, joined where |r| ≥ {real 3 least} over {Numbers.grouped (int64 datapoints)} datapoints"
        | StructureOf.Weights least -> $"units joined by |W| ≥ {real 3 least}"
        | StructureOf.Routing -> "modules joined by the datapoints whose path meets both"

    let private lesionRows (report: StructureReport) = [
        for lesion in report.Lesions |> List.sortBy (fun lesion -> snd lesion.LogLikelihood - fst lesion.LogLikelihood) do
            [
                lesion.Name
                percent lesion.Affected
                real 4 (snd lesion.LogLikelihood - fst lesion.LogLikelihood)
                match lesion.Accuracy with
                | Some(before, after) -> real 2 (100.0 * (after - before))
                | None -> "–"
            ]
    ]

    let private lesionHeadings = [ "without"; "affected"; "Δ log p"; "Δ accuracy [points]" ]
    let private mostLesions = 15

    /// Each community: its number, its size, and what it consists of.
    let private parts (communities: Communities) = [
        for number, members in Array.indexed communities.Members do
            let groups =
                members
                |> Array.countBy (fun node -> communities.Graph.Groups[node])
                |> Array.map (fun (group, count) -> $"{group}: {count}")
                |> String.concat ", "

            [ string number; string members.Length; groups ]
    ]

    // Nodes without links would each be a line of their own.
    let private joined (communities: Communities) = parts communities |> List.filter (fun cells -> cells[1] <> "1")

    /// The report as lines of text.
    /// Example: `StructureReport.make "runs/mnist" StructureOf.Routing 50 None None (Trained.load "runs/mnist") |> StructureReport.lines |> List.iter (printfn "%s")`
    let lines (report: StructureReport) : string list =
        let communities, against = report.Communities, report.Against
        let graph = communities.Graph
        let single = communities.Members |> Array.filter (fun members -> members.Length = 1) |> Array.length

        [
            $"{report.Network}: {sentence report}"
            $"nodes: {Numbers.grouped (int64 graph.Count)}, links: {Numbers.grouped (int64 graph.Links.Count)}"
            $"modularity Q: {real 3 against.Found}"
            $"Q of {against.Rewired.Length} random graphs of the same degrees: {real 3 against.Mean} ± {real 3 against.Deviation}; z = {real 2 against.Z}"
            $"communities of two nodes or more: {communities.Count - single}; nodes by themselves: {single}"
            yield! Columns.lines (fun index -> index = 2) [ [ "community"; "nodes"; "of" ]; yield! joined communities ]

            match report.Blocks with
            | Some blocks ->
                $"blocks by EM: {blocks.Count}; their agreement with the communities: {real 3 (Structure.agreement communities blocks)}"
                yield! Columns.lines (fun index -> index = 2) [ [ "block"; "nodes"; "of" ]; yield! parts blocks ]
            | None -> ()

            if not report.Lesions.IsEmpty then
                yield!
                    Columns.lines (fun index -> index = 0) [
                        lesionHeadings
                        yield! lesionRows report |> List.truncate mostLesions
                    ]
        ]

    let private sections (report: StructureReport) = [
        Section.make "Communities" [
            Content.Prose(sentence report)
            Content.Table([ "community"; "nodes"; "of" ], joined report.Communities)
        ]

        match report.Blocks with
        | Some blocks ->
            Section.make "Blocks" [
                Content.Prose
                    $"Groups of nodes that link to the same nodes, by EM. Their agreement with the communities is {real 3 (Structure.agreement report.Communities blocks)}."
                Content.Table([ "block"; "nodes"; "of" ], parts blocks)
            ]
        | None -> ()

        if not report.Lesions.IsEmpty then
            Section.make "What is lost without each" [ Content.Searchable(lesionHeadings, lesionRows report) ]
    ]

    let private json (report: StructureReport) : JsonObject =
        let object (fields: (string * JsonNode) list) =
            JsonObject(fields |> List.map System.Collections.Generic.KeyValuePair)

        let array (nodes: JsonNode seq) : JsonNode = JsonArray(Seq.toArray nodes)
        let real (value: float) : JsonNode = if System.Double.IsFinite value then JsonValue.Create value else null
        let text (value: string) : JsonNode = JsonValue.Create value
        let whole (value: int) : JsonNode = JsonValue.Create value
        let communities, against = report.Communities, report.Against
        let graph = communities.Graph
        let participation = Structure.participation communities

        object [
            "version", whole 1
            "network", text report.Network
            match report.Of with
            | StructureOf.Activity(layers, datapoints, least) ->
                "of", text "activity"
                "layers", array (Seq.map text layers)
                "datapoints", whole datapoints
                "least", real least
            | StructureOf.Weights least ->
                "of", text "weights"
                "least", real least
            | StructureOf.Routing -> "of", text "routing"
            "modularity", real against.Found
            "rewired", array (Seq.map real against.Rewired)
            "rewired_mean", real against.Mean
            "rewired_deviation", real against.Deviation
            "z", real against.Z
            "communities", whole communities.Count
            "nodes",
            array [
                for node in 0 .. graph.Count - 1 ->
                    object [
                        "name", text graph.Names[node]
                        "group", text graph.Groups[node]
                        "community", whole communities.Of[node]
                        match report.Blocks with
                        | Some blocks -> "block", whole blocks.Of[node]
                        | None -> ()
                        "links", whole (graph.Degree node)
                        "strength", real (graph.Strength node)
                        "participation", real participation[node]
                    ]
                    :> JsonNode
            ]
            if not report.Lesions.IsEmpty then
                "lesions",
                array [
                    for lesion in report.Lesions ->
                        object [
                            "name", text lesion.Name
                            "affected", real lesion.Affected
                            "log_likelihood_before", real (fst lesion.LogLikelihood)
                            "log_likelihood_after", real (snd lesion.LogLikelihood)
                            match lesion.Accuracy with
                            | Some(before, after) ->
                                "accuracy_before", real before
                                "accuracy_after", real after
                            | None -> ()
                        ]
                        :> JsonNode
                ]
        ]

    /// Writes the report as a page, and beside it the numbers under the same name with the ending `.json`.
    /// Example: `StructureReport.make "runs/mnist" StructureOf.Routing 50 None None (Trained.load "runs/mnist") |> StructureReport.write "structure.html"`
    let write (path: string) (report: StructureReport) : unit =
        StructurePage.writeWith
            (sections report)
            path
            $"Structure of {report.Network}"
            report.Communities
            report.Against

        WholeFile.Write(
            Path.ChangeExtension(path, ".json"),
            (json report).ToJsonString(System.Text.Json.JsonSerializerOptions(WriteIndented = true)) + "\n"
        )
