namespace ModNet.Figures

open Plotly.NET

/// Figures of a run's log over its steps.
[<RequireQualifiedAccess>]
module Curves =
    let private dashOf phase =
        match phase with
        | "train" -> StyleParam.DrawingStyle.Solid
        | "validation" -> StyleParam.DrawingStyle.Dash
        | _ -> StyleParam.DrawingStyle.Dot

    let private colourOf phase =
        match phase with
        | "train" -> Palette.blue
        | "validation" -> Palette.vermillion
        | _ -> Palette.purple

    /// From here on a line is more noise than course, and its running mean is drawn over it.
    let private dense = 500

    /// A curve in its colour and dashing. Where points are many: what was logged, pale, and its running mean.
    let private curve name colour dash template transform (xs: float[], ys: float[]) =
        let line name (xs: float[], ys: float[]) =
            let extra = transform |> Option.map (fun f -> Array.map f ys)
            Draw.Line(name, xs, ys, Colour = colour, Dash = dash, Hover = template, ?Extra = extra)

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

    let private overSteps title lines = Panel.over "step" lines |> Panel.y title

    /// One field over the steps, a line for each phase in which it was logged; none where it never was.
    let field (name: string) (title: string) (lines: MetricsLine list) : GenericChart option =
        let series =
            [ "train"; "validation"; "test" ]
            |> List.collect (fun phase ->
                RunMetrics.column phase name lines |> curve phase (colourOf phase) (dashOf phase) "%{y:.4~f}" None)

        match series with
        | [] -> None
        | series -> Some(overSteps title series)

    let loss lines = field "loss" "loss" lines

    let logLikelihood lines = field "log_likelihood" "log p(y | x, a*)" lines

    let accuracy lines = field "accuracy" "accuracy" lines

    /// Mean squared error on a logarithmic axis.
    let squaredError lines = field "squared_error" "squared error (log axis)" lines |> Option.map Panel.logY

    /// Perplexity on a logarithmic axis.
    let perplexity lines = field "perplexity" "perplexity (log axis)" lines |> Option.map Panel.logY

    /// The counts 1 … M that have room beside an axis from 0 to log M, M among them.
    let private roomyCounts (modules: int) =
        let room = 0.075 * log (float modules)

        [ modules - 1 .. -1 .. 1 ]
        |> List.fold
            (fun (kept: int list) count ->
                if log (float kept.Head) - log (float count) >= room then count :: kept else kept)
            [ modules ]

    /// The highest value that is drawn.
    let private top (chart: GenericChart) =
        GenericChart.getTraces chart
        |> Seq.collect (fun trace ->
            match trace.TryGetPropertyValue "y" with
            | Some(:? seq<float> as values) -> Seq.filter System.Double.IsFinite values
            | _ -> Seq.empty)
        |> Seq.fold max 0.0

    /// H_a (Eq. 15) and H_b (Eq. 16) in nats over the steps of the training, with log M as the upper end of H_b where M
    /// is known. The right side and the hovering text give exp H: how many modules.
    let entropies (modules: int option) (lines: MetricsLine list) : GenericChart option =
        let one field name colour dash =
            RunMetrics.column "train" field lines
            |> curve name colour dash "%{y:.3f} nats, exp H = %{customdata:.2f}" (Some exp)

        let series =
            one "selection_entropy" "H_a" Palette.orange StyleParam.DrawingStyle.Dash
            @ one "batch_selection_entropy" "H_b" Palette.green StyleParam.DrawingStyle.Solid

        match series with
        | [] -> None
        | series ->
            let panel = overSteps "entropy [nats]" series

            match modules with
            | Some m when m > 1 ->
                let high = max (top panel) (log (float m))
                let marks = roomyCounts m |> List.map (fun count -> log (float count), string count)

                panel
                |> Panel.yRange (-0.03 * high) (1.12 * high)
                |> Panel.reference (log (float m)) $"log {m}"
                |> Panel.rightMarks "modules, exp H" marks
                |> Some
            | _ -> Some panel

    /// How many modules were in use, of M where M is known.
    let modulesUsed (modules: int option) (lines: MetricsLine list) : GenericChart option =
        field "modules_used" "modules used" lines
        |> Option.map (fun panel ->
            let most = modules |> Option.map float |> Option.defaultWith (fun () -> top panel)

            let counted = panel |> Panel.yRange 0.0 (1.12 * max 1.0 most) |> Panel.wholeY

            match modules with
            | Some m -> counted |> Panel.reference (float m) $"M = {m}"
            | None -> counted)

    /// One field of several runs in one panel: how methods or settings compare (the paper's Figure 4).
    let compare
        (fieldName: string)
        (title: string)
        (phase: string)
        (runs: (string * MetricsLine list) list)
        : GenericChart =
        let dashes = [|
            StyleParam.DrawingStyle.Solid
            StyleParam.DrawingStyle.Dash
            StyleParam.DrawingStyle.DashDot
            StyleParam.DrawingStyle.Dot
        |]

        runs
        |> List.mapi (fun i (name, lines) ->
            RunMetrics.column phase fieldName lines
            |> curve name (Palette.colour i) dashes[i % dashes.Length] "%{y:.4~f}" None)
        |> List.concat
        |> overSteps title
