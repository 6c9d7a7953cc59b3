namespace ModNet.Figures

open ModNet
open ModNet.Runtime
open Plotly.NET

/// Figures of a run's log over its steps. What is drawn of each metric, and how, stands in the table `Metric.All`.
[<RequireQualifiedAccess>]
module Curves =
    let private solid = StyleParam.DrawingStyle.Solid
    let private dash = StyleParam.DrawingStyle.Dash
    let private dot = StyleParam.DrawingStyle.Dot

    let private lookOf phase =
        match phase with
        | "train" -> Palette.blue, solid
        | "validation" -> Palette.vermillion, dash
        | _ -> Palette.purple, dot

    /// Where a line has more points than this, its noise hides its course: the running mean is drawn over it.
    let private dense = 500

    /// Lines that are drawn early are wide, so that they show on both sides of a later one that runs on the same course.
    let private wide, private narrow = 3.5, 1.8

    /// One field in one phase, in its colour and dashing. Where points are many: what was logged, pale, and its running mean.
    let private curve name (colour, dash) width hover transform phase field (lines: MetricsLine seq) =
        let struct (xs, ys) = MetricsLog.Column(phase, field, lines)

        let line name (xs: float[], ys: float[]) =
            let extra = transform |> Option.map (fun f -> Array.map f ys)
            Draw.Line(name, xs, ys, Colour = colour, Dash = dash, Width = width, Hover = hover, ?Extra = extra)

        if xs.Length = 0 then
            []
        elif xs.Length <= dense then
            [ line name (xs, ys) ]
        else
            let name = $"{name}, running mean"
            let xs', logged = Downsample.extremes Downsample.limit xs ys

            [
                Draw.Line(name, xs', logged, Colour = colour, Opacity = 0.3, Quiet = true)
                Downsample.runningMean (xs.Length / 200) ys |> Downsample.extremes dense xs |> line name
            ]

    let private plain = "%{y:.4~f}"

    let private panel title lines = if List.isEmpty lines then None else Some(Panel.over "step" lines |> Panel.y title)

    /// The counts 1 … M that have room beside an axis from 0 to log M, M among them.
    let private roomyCounts (modules: int) =
        let room = 0.075 * log (float modules)

        [ modules - 1 .. -1 .. 1 ]
        |> List.fold
            (fun (kept: int list) count ->
                if log (float kept.Head) - log (float count) >= room then count :: kept else kept)
            [ modules ]

    /// The highest value that is drawn.
    let private top (chart: GenericChart) = Panel.drawn "y" chart |> Array.fold max 0.0

    /// The entropies of module choices (H_a and H_b, Eqs. 15 and 16) in nats over the steps of the training, with log M as their upper end
    /// where M is known. The right side and the hovering text give exp H: how many modules. None where the log has no entropy.
    /// Example: `Curves.entropies (Some 5) (MetricsLog.OfFolder "runs/toy").Lines`
    let entropies (modules: int option) (lines: MetricsLine seq) : GenericChart option =
        let looks = [ Palette.orange, dash; Palette.green, solid; Palette.sky, dot ]
        let width (_, dashing) = if dashing = solid then wide else narrow

        let drawn =
            Metric.All
            |> Seq.filter (fun metric -> metric.Chart = MetricChart.Entropy)
            |> Seq.mapi (fun i metric ->
                let hover = "%{y:.3f} nats, exp H = %{customdata:.2f}"
                let look = looks[i % looks.Length]
                look, curve metric.Title look (width look) hover (Some exp) "train" metric.Name lines)
            // H_a ≤ H_b, and often they are equal: the dashed line is drawn over the solid one, which is seen between its dashes.
            |> Seq.sortBy (fun (look, _) -> snd look <> solid)
            |> Seq.map snd
            |> List.concat
            |> panel "entropy [nats]"

        match drawn, modules with
        | Some chart, Some m when m > 1 ->
            let high = max (top chart) (log (float m))
            let marks = roomyCounts m |> List.map (fun count -> log (float count), string count)

            chart
            |> Panel.yRange (-0.03 * high) (1.12 * high)
            |> Panel.reference (log (float m)) $"log {m}"
            |> Panel.rightMarks "modules, exp H" marks
            |> Some
        | _ -> drawn

    let internal upToModules (modules: int option) (chart: GenericChart) =
        let most = modules |> Option.map float |> Option.defaultValue 1.0 |> max (top chart)
        let counted = chart |> Panel.yRange 0.0 (1.12 * most) |> Panel.wholeY

        match modules with
        | Some m -> counted |> Panel.reference (float m) $"M = {m}"
        | None -> counted

    /// One metric over the steps, a line for each phase in which it was logged, drawn as the table of metrics says. M (`modules`) is the upper
    /// end of panels that count modules. None where it was never logged, and for an entropy, which `entropies` draws.
    /// Example: `Curves.ofMetric Metric.Loss None (MetricsLog.OfFolder "runs/toy").Lines`
    let ofMetric (metric: Metric) (modules: int option) (lines: MetricsLine seq) : GenericChart option =
        let axis = metric.Axis |> Option.ofObj |> Option.defaultValue metric.Heading

        let draw title =
            Metric.EveryPhase
            |> Seq.toList
            |> List.collect (fun phase ->
                let look = lookOf phase
                let width = if snd look = solid then wide else narrow
                curve phase look width plain None phase metric.Name lines)
            |> panel title

        match metric.Chart with
        | MetricChart.Line -> draw axis
        | MetricChart.LogLine -> draw $"{axis} (log axis)" |> Option.map Panel.logY
        | MetricChart.Modules -> draw axis |> Option.map (upToModules modules)
        | _ -> None

    /// A report's sections of curves, in the order of the table of metrics; only those of which the log has something.
    let internal sections (modules: int option) (lines: MetricsLine seq) : Section list =
        Metric.All
        |> Seq.filter (fun metric -> metric.Chart <> MetricChart.None)
        |> Seq.toList
        |> List.groupBy _.Section
        |> List.choose (fun (heading, metrics) ->
            let caption = metrics |> List.map _.Caption |> List.filter ((<>) "") |> String.concat " "

            let charts =
                if metrics.Head.Chart = MetricChart.Entropy then
                    Option.toList (entropies modules lines)
                else
                    metrics |> List.choose (fun metric -> ofMetric metric modules lines)

            match charts with
            | [] -> None
            | [ one ] -> Some(Section.figure heading caption one)
            | several -> Some(Section.figure heading caption (Figure.beside several)))

    /// One field of several runs in one panel: how methods or settings compare (the paper's Figure 4).
    /// Example: `Curves.compare "perplexity" "perplexity" "test" [ ("EM", (MetricsLog.OfFolder "runs/em").Lines) ]`
    let compare
        (field: string)
        (title: string)
        (phase: string)
        (runs: (string * #seq<MetricsLine>) list)
        : GenericChart =
        let dashes = [| solid; dash; StyleParam.DrawingStyle.DashDot; dot |]

        runs
        |> List.mapi (fun i (name, lines) ->
            let width = max 1.0 (wide - 0.8 * float i)
            curve name (Palette.colour i, dashes[i % dashes.Length]) width plain None phase field lines)
        |> List.concat
        |> Panel.over "step"
        |> Panel.y title
