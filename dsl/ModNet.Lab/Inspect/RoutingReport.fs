namespace ModNet

open ModNet.Figures
open ModNet.Runtime

/// Sections of a page on a routing trace: figures and tables with captions that say what they show.
[<RequireQualifiedAccess>]
module RoutingReport =

    /// Which part of a trace a page shows, and how much of it.
    type Options = {
        /// The one layer to show; None shows all.
        Layer: string option
        /// How many paths and words are listed one by one.
        Top: int
    }

    /// Words in a heat map.
    let private frequentWords = 40

    /// Rows of the table of datapoints.
    let private mostDatapoints = 500

    /// The layers to show.
    let internal layers (options: Options) (trace: RoutingTrace) : RoutingLayer list =
        match options.Layer with
        | Some name -> [ Trace.layer name trace ]
        | None -> List.ofSeq trace.Layers

    /// The first modules of a list, and how long the list is where those are not all.
    let private few (modules: int list) =
        let shown = 16

        match List.length modules with
        | 0 -> "none"
        | count when count <= shown -> TraceRows.named ", " modules
        | count -> TraceRows.named ", " (List.take shown modules) + $", … ({count})"

    let private percent (share: float) = Label.number (System.Math.Round(100.0 * share, 1)) + " %"

    let private rounded (value: float) = Label.number (System.Math.Round(value, 3))

    let private orBlank = Option.map rounded >> Option.defaultValue ""

    let private ofWhat (trace: RoutingTrace) =
        let each = if isNull trace.Tokens then "datapoints" else $"windows of {trace.Tokens.GetLength 1} words"

        $"{trace.Count} {each} of the {trace.Split} set after {trace.Step} gradient steps"

    /// Headings and rows of the loads: utilisation against the ideal, dead modules, how many are in effect used.
    let loadTable (trace: RoutingTrace) (loads: ModuleLoad list) : string list * string list list =
        let choose name =
            trace.Layers
            |> Seq.tryFind (fun layer -> layer.Name = name)
            |> Option.map (fun layer -> string layer.Choose)
            |> Option.defaultValue ""

        [ "layer"; "M"; "K"; "most used"; "ideal"; "dead"; "effective"; "H_a [nats]"; "H_b [nats]" ],
        [
            for load in loads ->
                [
                    load.Layer
                    string load.Modules
                    choose load.Layer
                    percent (Array.max load.Shares)
                    percent load.Ideal
                    few load.Dead
                    rounded load.Effective
                    orBlank load.SelectionEntropy
                    orBlank load.BatchSelectionEntropy
                ]
        ]

    /// The loads of these layers, then of the pools that several of them share.
    let internal loads (layers: RoutingLayer list) : ModuleLoad list =
        List.map ModuleLoads.ofLayer layers @ ModuleLoads.ofSharedPools layers

    let private loadSection options (trace: RoutingTrace) : Section =
        let loads = layers options trace |> loads

        Section.make "Module load" [
            Content.Prose(
                $"Of {ofWhat trace}: the share of a layer's choices that fell on each module; dashed, the ideal 1/M, at which all are used alike. "
                + "Dead modules were never chosen. Effective is exp H of these shares, between 1 and M: how many modules used alike would be as "
                + "diverse. H_a (Eq. 15) and H_b (Eq. 16) are of the controller's distributions, means over the K positions, as in the log. Modules count "
                + "from 0. A pool that several layers share has a panel and a line of its own, of all their choices."
            )
            Content.Chart(Routes.load loads)
            Content.Table(loadTable trace loads)
        ]

    let private tableSection options (trace: RoutingTrace) : Section option =
        match layers options trace |> List.choose (SelectionTables.fitting frequentWords trace) with
        | [] -> None
        | (what, _) :: _ as found ->
            let tables = found |> List.filter (fst >> (=) what) |> List.map snd

            let informed =
                tables |> List.map (fun table -> $"{table.Layer} {rounded table.Information}") |> String.concat ", "

            let which = if what = "word" then $"The {frequentWords} most frequent words. " else ""

            let caption =
                $"{which}Each row is how a {what} spreads over the layer's modules: its shares sum to 1, black is 0 and white the largest share "
                + $"in the panel; in brackets, at how many sites it stands. Mutual information of {what} and module [nats], over all of them: {informed}."

            Some(Section.figure $"Selection by {what}" caption (Routes.tables what tables))

    let private pathSection options (trace: RoutingTrace) : Section option =
        if trace.Layers.Count < 2 then
            None
        else
            let graph = PathGraphs.ofTrace (min options.Top Palette.colours.Length) trace

            let each = if isNull trace.Tokens then "datapoint takes one path" else "word takes one path"

            let several =
                if trace.Layers |> Seq.exists (fun layer -> layer.Choose > 1) then
                    " Where a layer runs several modules at once, a path leads through all of them."
                else
                    ""

            let caption =
                $"Each {each}: {graph.Total} paths, {graph.Distinct} of them different. {PathFigure.caption}{several}"

            Some(Section.figure "Paths" caption (PathFigure.ofGraph graph))

    let private successionSection options (trace: RoutingTrace) : Section option =
        match layers options trace |> List.filter (fun layer -> layer.Times > 1) with
        | [] -> None
        | layers ->
            let caption =
                "Which module runs at the next time step after which: rows sum to 1, black is 0 and white the largest share in the panel."

            layers
            |> List.map (fun layer -> layer.Name, PathGraphs.successions layer)
            |> Routes.successions
            |> Section.figure "From step to step" caption
            |> Some

    let private certaintySection options (trace: RoutingTrace) : Section option =
        match layers options trace |> List.filter (fun layer -> not (isNull layer.Probabilities)) with
        | [] -> None
        | layers ->
            let entropies (layer: RoutingLayer) = [|
                for struct (n, t) in TraceRows.sites layer -> TraceRows.undecidedAt layer n t
            |]

            let single =
                layers
                |> List.map (fun layer -> layer.Name, log (float layer.Modules), entropies layer)
                |> Routes.sureness

            let timed = layers |> List.filter (fun layer -> layer.Times > 1)

            Section.make "How sure the controllers are" [
                Content.Prose
                    "The entropy of p(a | x) at single sites, averaged over the K positions: 0 where the controller has decided, log M where it has no preference. Bars are tenths of that range."
                Content.Chart single
                if not timed.IsEmpty then
                    Content.Prose "The same over the time steps of a sequence, averaged over datapoints."

                    timed
                    |> List.map (fun layer -> layer.Name, Certainties.ofLayer layer)
                    |> Routes.certainty
                    |> Content.Chart
            ]
            |> Some

    /// A place in the text on one line, the word in brackets.
    let occurrence (occurrence: Occurrence) : string =
        occurrence.Before @ [ $"[{occurrence.Word}]" ] @ occurrence.After |> String.concat " "

    /// The rule by which words are distinctive, for captions.
    let rule =
        "Words are ranked by how many standard deviations their log-odds are higher where the module runs than where it does not, with an informative "
        + "Dirichlet prior of one pseudo-count for each word on average (Monroe, Colaresi and Quinn 2008); ties by frequency. Places are evenly "
        + "spaced over all at which the module runs on the word, in text order. Nothing is picked by hand."

    let private contextSection options (trace: RoutingTrace) : Section option =
        match layers options trace |> List.filter (TraceRows.atWords trace) with
        | [] -> None
        | layers ->
            let rows = [
                for layer in layers do
                    for contexts in Contexts.ofLayer options.Top 3 trace layer do
                        for word in contexts.Words ->
                            [
                                $"{layer.Name}, module {contexts.Module}"
                                word.Word
                                $"{word.Count} of {word.Total}"
                                rounded word.Score
                                word.Occurrences |> List.map occurrence |> String.concat " · "
                            ]
            ]

            Section.make "Contexts" [
                Content.Prose
                    $"The {options.Top} most distinctive words on which each module runs, and places where it does (the paper's Table 2). {rule}"
                Content.Searchable([ "module"; "word"; "runs on"; "deviations"; "places" ], rows)
            ]
            |> Some

    let private chosen (site: SiteChoice) = TraceRows.named "+" site.Modules

    /// The modules that ran for a datapoint at one layer; at a layer with several sites the modules of each site, with the site's word before a dot.
    let way (layer: string) (datapoint: RoutedDatapoint) : string =
        match datapoint.Sites |> List.filter (fun site -> site.Layer = layer) with
        | [ only ] -> chosen only
        | sites ->
            sites
            |> List.map (fun site ->
                match site.Word with
                | Some word -> $"{word}·{chosen site}"
                | None -> chosen site)
            |> String.concat " "

    let private datapointSection (trace: RoutingTrace) : Section =
        let some = Downsample.spread mostDatapoints trace.Count |> Array.map (RoutedDatapoints.ofRow trace)

        let isText = not (isNull trace.Tokens)
        let has (blank: RoutedDatapoint -> bool) = some |> Array.exists (blank >> not)
        let inputs = not isText && has (fun d -> d.Input = "")

        let targets, predictions = has (fun d -> d.Target = ""), has (fun d -> d.Prediction = "")

        let judged = has _.Correct.IsNone

        let headings = [
            "number"
            if inputs then "input"
            if targets then "target"
            if predictions then "prediction"
            if judged then "right"
            "log p(y | x, a)"
            "least sure"
            "mean entropy"
            yield! trace.Layers |> Seq.map _.Name
        ]

        let row (datapoint: RoutedDatapoint) = [
            string datapoint.Number
            if inputs then datapoint.Input
            if targets then datapoint.Target
            if predictions then datapoint.Prediction
            if judged then
                (match datapoint.Correct with
                 | Some true -> "right"
                 | Some false -> "wrong"
                 | None -> "")
            rounded datapoint.LogLikelihood
            orBlank datapoint.LeastSure
            orBlank datapoint.Entropy
            yield! trace.Layers |> Seq.map (fun layer -> way layer.Name datapoint)
        ]

        let which =
            if some.Length < trace.Count then
                $"{some.Length} of {trace.Count}, evenly spaced; ./modnet inspect RUN --datapoint N shows any of them."
            else
                $"All {trace.Count}."

        Section.make "Datapoints" [
            Content.Prose(
                $"{which} Least sure is the least probable of a datapoint's choices; mean entropy is over its sites, in nats. "
                + "Under each layer's name: the modules that ran, of a text after each word. Filter by any words of a row."
            )
            Content.Searchable(headings, some |> Array.map row |> Array.toList)
        ]

    /// The sections that stand beside a run's curves: load, and selection by class, word or task where the data have them.
    let brief (trace: RoutingTrace) : Section list =
        let options = { Layer = None; Top = 5 }

        [ loadSection options trace; yield! tableSection options trace |> Option.toList ]

    /// All sections that the trace has data for: load, selection by class, word or task, paths, steps, certainty, contexts, datapoints.
    /// Example: `let sections = Trace.load "runs/toy" |> RoutingReport.sections { Layer = None; Top = 7 }`
    let sections (options: Options) (trace: RoutingTrace) : Section list = [
        loadSection options trace
        yield!
            [ tableSection; pathSection; successionSection; certaintySection; contextSection ]
            |> List.choose (fun section -> section options trace)
        datapointSection trace
    ]

    /// A page of these sections.
    let page (title: string) (options: Options) (trace: RoutingTrace) : Report = {
        Report.Title = title
        Summary = [
            "set", trace.Split
            "datapoints", string trace.Count
            "step", string trace.Step
            "modular layers", string trace.Layers.Count
        ]
        Command = None
        Sections = sections options trace
        Spec = None
        Files = []
    }
