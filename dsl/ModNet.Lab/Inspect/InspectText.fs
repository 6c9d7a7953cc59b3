namespace ModNet

open ModNet.Figures
open ModNet.Runtime

/// What `inspect` prints: compact tables as lines of text.
[<RequireQualifiedAccess>]
module InspectText =

    let private firstOnly index = index = 0

    /// Aligned columns; what a terminal would obey in a word is shown, and counts with its width.
    let private columns ofWords rows = rows |> List.map (List.map VisibleText.Word) |> Columns.lines ofWords

    let private under title lines = "" :: title :: (lines |> List.map (fun line -> "  " + line))

    let private short (value: float) = Label.number (System.Math.Round(value, 3))

    let private loads (trace: RoutingTrace) (layers: RoutingLayer list) =
        let headings, rows = RoutingReport.loads layers |> RoutingReport.loadTable trace

        under "module load" (columns firstOnly (headings :: rows))

    let private percents (shares: float seq) = [ for share in shares -> $"%.0f{100.0 * share}" ]

    /// The number of modules that a line has room for.
    let private widest = 24

    /// The modules with the largest counts, in ascending order: all modules where there is room.
    let private largest (counts: int64[]) =
        Array.indexed counts
        |> Array.sortBy (fun (m, count) -> -count, m)
        |> Array.truncate widest
        |> Array.map fst
        |> Array.sort

    let private table (what: string) (table: SelectionTable) =
        let shares = table.Shares
        let all = Array2D.length2 shares
        let shown = largest [| for m in 0 .. all - 1 -> Array.sum table.Counts[*, m] |]

        let rows = [
            for r in 0 .. table.Labels.Length - 1 ->
                table.Labels[r] :: string table.Sites[r] :: percents (seq { for m in shown -> shares[r, m] })
        ]

        let among = if shown.Length = all then "" else $", the {shown.Length} most used of {all}"

        under
            $"{table.Layer}: {what} by module{among}, percent of the row (mutual information {short table.Information} nats, over all)"
            (columns firstOnly ((what :: "sites" :: [ for m in shown -> string m ]) :: rows))

    let private tables (options: RoutingReport.Options) (trace: RoutingTrace) (layers: RoutingLayer list) =
        layers
        |> List.choose (SelectionTables.fitting options.Top trace)
        |> List.collect (fun (what, found) -> table what found)

    let private paths (options: RoutingReport.Options) (trace: RoutingTrace) =
        if trace.Layers.Count < 2 then
            []
        else
            let graph = PathGraphs.ofTrace options.Top trace

            let rows = [
                for path in graph.Top ->
                    [ path.Named; string path.Count; $"%.1f{100.0 * float path.Count / float graph.Total} %%" ]
            ]

            under
                $"paths: {graph.Distinct} different; the most frequent"
                (columns firstOnly ([ graph.Layers |> List.map fst |> String.concat " → "; "count"; "share" ] :: rows))

    let private contexts (options: RoutingReport.Options) (trace: RoutingTrace) (layers: RoutingLayer list) =
        layers
        |> List.filter (TraceRows.atWords trace)
        |> List.collect (fun layer ->
            let words (contexts: ModuleContexts) =
                contexts.Words
                |> List.map (fun word -> $"{word.Word} ({word.Count}/{word.Total})")
                |> String.concat ", "

            under
                $"{layer.Name}: most distinctive words of each module (runs on it / in the text)"
                (Contexts.ofLayer options.Top 0 trace layer
                 |> List.map (fun each -> [ $"module {each.Module}"; words each ])
                 |> columns (fun _ -> true)))

    /// The lines about a whole trace.
    let ofTrace (options: RoutingReport.Options) (trace: RoutingTrace) : string list =
        let layers = RoutingReport.layers options trace

        [
            $"{trace.Count} datapoints of the {trace.Split} set, after {trace.Step} steps"
            yield! loads trace layers
            yield! tables options trace layers
            yield! paths options trace
            yield! contexts options trace layers
        ]

    /// The lines about one datapoint, one for each site. Raises UserException where the trace does not have it.
    let ofDatapoint (number: int64) (options: RoutingReport.Options) (trace: RoutingTrace) : string list =
        let datapoint = RoutedDatapoints.ofNumber number trace

        options.Layer |> Option.iter (fun name -> Trace.layer name trace |> ignore<RoutingLayer>)

        let fact name value = if value = "" then [] else [ $"%-18s{name}{VisibleText.Word value}" ]

        let percentages (probabilities: float[]) = probabilities |> Array.map (fun p -> $"%.3f{p}") |> String.concat " "

        let rows = [
            for site in datapoint.Sites do
                if options.Layer |> Option.forall ((=) site.Layer) then
                    [
                        site.Layer
                        string site.Time
                        defaultArg site.Word ""
                        TraceRows.named " " site.Modules
                        percentages site.Probabilities
                        site.Entropy |> Option.map (fun h -> $"%.3f{h}") |> Option.defaultValue ""
                    ]
        ]

        [
            $"datapoint {datapoint.Number} of the {trace.Split} set, after {trace.Step} steps"
            yield! fact "input" datapoint.Input
            yield! fact "target" datapoint.Target
            yield! fact "prediction" datapoint.Prediction
            yield! fact "log p(y | x, a)" $"%.4f{datapoint.LogLikelihood}"
            ""
            yield!
                columns
                    (fun index -> index = 0 || index = 2)
                    ([ "layer"; "time"; "word"; "modules"; "probability"; "entropy" ] :: rows)
        ]
