namespace ModNet

open ModNet.Runtime

/// How often each module ran for each kind of datapoint (its class, its word).
type SelectionTable = {
    Layer: string
    /// [R]: the rows' labels.
    Labels: string[]
    /// [R]: how many sites each kind has.
    Sites: int64[]
    /// [R, M]: how often each module ran at them; K choices at a site count K times.
    Counts: int64[,]
    /// Mutual information of kind and module, in nats: 0 where modules run alike for all kinds. It is over all kinds, however few of them have
    /// a row.
    Information: float
} with

    /// [R, M]: the counts of each row as shares that sum to 1 (0 where a row has none).
    member table.Shares =
        let total r = table.Counts[r, *] |> Array.sum |> max 1L

        table.Counts |> Array2D.mapi (fun r _ count -> float count / float (total r))

module internal SelectionTables =

    /// The mutual information of row and column, in nats.
    let private information (counts: int64[,]) =
        let total = counts |> Seq.cast<int64> |> Seq.sum |> max 1L |> float
        let share (some: int64[]) = float (Array.sum some) / total
        let rows = [ for r in 0 .. Array2D.length1 counts - 1 -> share counts[r, *] ]
        let columns = [ for m in 0 .. Array2D.length2 counts - 1 -> share counts[*, m] ]
        let cells = counts |> Seq.cast<int64> |> Seq.map (fun count -> float count / total)
        TraceRows.entropy rows + TraceRows.entropy columns - TraceRows.entropy cells |> max 0.0

    /// A table whose rows are kinds of sites, from 0. `kindOf` gives the kind of a site; one of no kind (−1) is left out.
    let private table (labels: string[]) (kindOf: int -> int -> int) (layer: RoutingLayer) : SelectionTable =
        let counts = Array2D.zeroCreate labels.Length layer.Modules
        let sites = Array.zeroCreate labels.Length

        for struct (n, t) in TraceRows.sites layer do
            let kind = kindOf n t

            if kind >= 0 then
                sites[kind] <- sites[kind] + 1L

                for m in TraceRows.chosen layer n t do
                    counts[kind, m] <- counts[kind, m] + 1L

        { Layer = layer.Name; Labels = labels; Sites = sites; Counts = counts; Information = information counts }

    let hasClasses (trace: RoutingTrace) =
        not (isNull trace.TargetClasses) && isNull trace.Tokens && trace.TargetClasses.GetLength 1 = 1

    let byClass (trace: RoutingTrace) (layer: RoutingLayer) =
        if not (hasClasses trace) then
            Refusal.refuse
                layer.Name
                "a trace of datapoints that have one class each"
                (if isNull trace.Tokens then "targets of another kind" else "text")
                "ask for Inspect.by_word where inputs are words, else for Inspect.datapoints"

        let count =
            if isNull trace.Labels.Classes then
                1 + (trace.TargetClasses |> Seq.cast<int> |> Seq.fold max 0)
            else
                trace.Labels.Classes.Count

        let labels = Array.init count (TraceRows.label trace.Labels.Classes)
        table labels (fun n _ -> trace.TargetClasses[n, 0]) layer

    let byTask (trace: RoutingTrace) (layer: RoutingLayer) =
        if isNull trace.Tasks then
            Refusal.refuse layer.Name "a trace of datapoints that have a task" "none have" "ask for Inspect.by_class"

        let count = if isNull trace.Labels.Tasks then 1 + Array.max trace.Tasks else trace.Labels.Tasks.Count

        table (Array.init count (TraceRows.label trace.Labels.Tasks)) (fun n _ -> trace.Tasks[n]) layer

    /// Token ids by how often they stand at the layer's sites, ties by id.
    let frequent (trace: RoutingTrace) =
        trace.Tokens
        |> Seq.cast<int>
        |> Seq.countBy id
        |> Seq.sortBy (fun (token, count) -> -count, token)
        |> Seq.map fst

    let demandWords (trace: RoutingTrace) (layer: RoutingLayer) =
        if not (TraceRows.atWords trace layer) then
            Refusal.refuse
                layer.Name
                "a layer that chooses at every word of a text"
                (if isNull trace.Tokens then "data that are no text" else "one choice for the whole text")
                "ask for Inspect.by_class or Inspect.datapoints"

    let byWord (most: int) (trace: RoutingTrace) (layer: RoutingLayer) =
        demandWords trace layer
        let words = frequent trace |> Seq.toArray
        let places = words |> Array.mapi (fun place token -> token, place) |> dict

        let kindOf n t =
            match places.TryGetValue trace.Tokens[n, t] with
            | true, place -> place
            | _ -> -1

        let all = table (words |> Array.map (TraceRows.label trace.Labels.Vocabulary)) kindOf layer
        let shown = min most words.Length

        {
            all with
                Labels = Array.truncate shown all.Labels
                Sites = Array.truncate shown all.Sites
                Counts = all.Counts[.. shown - 1, *]
        }

    /// The table that suits the data, and what its rows are: classes, the `most` frequent words of a text, or tasks. None where there are none.
    let fitting (most: int) (trace: RoutingTrace) (layer: RoutingLayer) : (string * SelectionTable) option =
        if hasClasses trace then Some("class", byClass trace layer)
        elif TraceRows.atWords trace layer then Some("word", byWord most trace layer)
        elif not (isNull trace.Tasks) then Some("task", byTask trace layer)
        else None
