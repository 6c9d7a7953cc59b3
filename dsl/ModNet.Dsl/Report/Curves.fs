namespace ModNet.Figures

/// Figures of a run's log over its steps.
[<RequireQualifiedAccess>]
module Curves =
    let private dashOf phase =
        match phase with
        | "train" -> Dash.Solid
        | "validation" -> Dash.Dashed
        | _ -> Dash.Dotted

    let private colourOf phase =
        match phase with
        | "train" -> Palette.blue
        | "validation" -> Palette.vermillion
        | _ -> Palette.green

    let private thinned xs ys =
        Downsample.extremes Downsample.limit xs ys

    let private curve name template transform (xs, ys) =
        if Array.isEmpty xs then
            None
        else
            let xs, ys = thinned xs ys

            let extra =
                transform |> Option.map (fun f -> Array.map f ys) |> Option.defaultValue [||]

            Some(Series.line name xs ys |> Series.hover template extra)

    let private overSteps title series =
        Panel.series series |> Panel.x "step" |> Panel.y title

    /// One field over the steps, a line for each phase in which it was logged; none where it never was.
    let field (name: string) (title: string) (lines: MetricsLine list) : Panel option =
        let series =
            [ "train"; "validation"; "test" ]
            |> List.choose (fun phase ->
                RunMetrics.column phase name lines
                |> curve phase "%{y:.4~f}" None
                |> Option.map (Series.dash (dashOf phase) >> Series.colour (colourOf phase)))

        match series with
        | [] -> None
        | series -> Some(overSteps title series)

    let loss lines = field "loss" "loss" lines

    let logLikelihood lines =
        field "log_likelihood" "log p(y | x, a*)" lines

    let accuracy lines =
        field "accuracy" "accuracy" lines |> Option.map (Panel.yTo 1.0)

    /// Perplexity on a logarithmic axis.
    let perplexity lines =
        field "perplexity" "perplexity (log axis)" lines |> Option.map Panel.logY

    /// The counts 1 … M that have room beside an axis from 0 to log M, M among them.
    let private roomyCounts (modules: int) =
        let room = 0.075 * log (float modules)

        [ modules - 1 .. -1 .. 1 ]
        |> List.fold
            (fun (kept: int list) count ->
                if log (float kept.Head) - log (float count) >= room then
                    count :: kept
                else
                    kept)
            [ modules ]

    /// H_a (Eq. 15) and H_b (Eq. 16) in nats over the steps of the training, with log M as the upper end of H_b where M
    /// is known. The right side and the hovering text give exp H: how many modules.
    let entropies (modules: int option) (lines: MetricsLine list) : Panel option =
        let one field name colour dash =
            RunMetrics.column "train" field lines
            |> curve name "%{y:.3f} nats = %{customdata:.2f} modules" (Some exp)
            |> Option.map (Series.colour colour >> Series.dash dash)

        let series =
            List.choose id [
                one "selection_entropy" "H_a" Palette.vermillion Dash.Dashed
                one "batch_selection_entropy" "H_b" Palette.blue Dash.Solid
            ]

        match series with
        | [] -> None
        | series ->
            let panel = overSteps "entropy [nats]" series |> Panel.yFrom 0.0

            match modules with
            | Some m when m > 1 ->
                let marks = roomyCounts m |> List.map (fun count -> log (float count), string count)

                panel
                |> Panel.reference (log (float m)) $"log {m}"
                |> Panel.rightMarks "modules, exp H" marks
                |> Some
            | _ -> Some panel

    /// How many modules were in use, of M where M is known.
    let modulesUsed (modules: int option) (lines: MetricsLine list) : Panel option =
        field "modules_used" "modules used" lines
        |> Option.map (fun panel ->
            let panel = panel |> Panel.wholeY |> Panel.yFrom 0.0

            match modules with
            | Some m -> panel |> Panel.reference (float m) $"M = {m}" |> Panel.yTo (float m * 1.12)
            | None -> panel)

    /// One field of several runs in one panel: how methods or settings compare (the paper's Figure 4).
    let compare (fieldName: string) (title: string) (phase: string) (runs: (string * MetricsLine list) list) : Panel =
        let dashes = [| Dash.Solid; Dash.Dashed; Dash.DashDot; Dash.Dotted |]

        runs
        |> List.mapi (fun i (name, lines) ->
            RunMetrics.column phase fieldName lines
            |> curve name "%{y:.4~f}" None
            |> Option.map (Series.colour (Palette.colour i) >> Series.dash dashes[i % dashes.Length]))
        |> List.choose id
        |> overSteps title
