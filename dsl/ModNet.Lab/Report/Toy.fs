namespace ModNet.Figures

open ModNet.Runtime
open Plotly.NET

/// Figures of the toy regression (paper §3.1, appendix B): inputs, targets and predictions are [N, 2], components and
/// chosen modules [N], counted from 0.
[<RequireQualifiedAccess>]
module Toy =
    /// The number of points beyond which they hide each other.
    let private most = 400

    let private symbols = [|
        StyleParam.MarkerSymbol.Circle
        StyleParam.MarkerSymbol.TriangleUp
        StyleParam.MarkerSymbol.Square
        StyleParam.MarkerSymbol.Diamond
    |]

    let private check what (rows: int) (points: float[,]) =
        if Array2D.length1 points <> rows || Array2D.length2 points <> 2 then
            invalidArg
                what
                $"Toy figure, {what}: expected [{rows}, 2], got [{Array2D.length1 points}, {Array2D.length2 points}]."

    let private checkClasses what rows (classes: int[]) =
        if classes.Length <> rows then
            invalidArg what $"Toy figure, {what}: expected one for each of {rows} datapoints, got {classes.Length}."

    let private cloud name (xs: float[]) (ys: float[]) colour symbol size opacity =
        let marker = TraceObjects.Marker.init (Color = Color.fromString colour, Symbol = symbol, Size = size)

        Chart.Point(x = xs, y = ys, Name = name, Marker = marker, Opacity = opacity, UseDefaults = false)

    /// One cloud for each class that is there, small ones on top, where errors show; the datapoints of `kept` only.
    let private clouds name (kept: int[]) (classes: int -> int * int) (points: float[,]) =
        kept
        |> Array.groupBy classes
        |> Array.sortBy (fun (kind, members) -> -members.Length, kind)
        |> Array.toList
        |> List.map (fun ((colour, symbol), members) ->
            let at axis = members |> Array.map (fun n -> points[n, axis])

            cloud (name colour symbol) (at 0) (at 1) (Palette.colour colour) symbols[symbol % symbols.Length] 6 0.75
            |> GenericChart.mapTrace (fun trace ->
                // Legends count modules and components upwards, whichever cloud is drawn first; other traces follow with plotly's rank, 1000.
                trace.SetProperty("legendrank", 900 + colour * symbols.Length + symbol % symbols.Length)
                trace))

    let private plane title first second series =
        Panel.series series |> Panel.title title |> Panel.x first |> Panel.y second |> Panel.equalUnits

    /// The paper's Figure 7: input data left, target data right, coloured by component. `colourOf` gives a component's place in the palette, so that
    /// it has the colour of the module that stands for it in other figures.
    let dataIn (colourOf: int -> int) (inputs: float[,]) (targets: float[,]) (components: int[]) : GenericChart =
        let rows = Array2D.length1 inputs
        check (nameof inputs) rows inputs
        check (nameof targets) rows targets
        checkClasses (nameof components) rows components
        let kept = Downsample.spread most rows

        let coloured = clouds (fun _ c -> $"component {c}") kept (fun n -> colourOf components[n], components[n])

        Figure.beside [
            plane "inputs x" "x_1" "x_2" (coloured inputs)
            plane "targets y" "y_1" "y_2" (coloured targets)
        ]

    /// The same with the components in the palette's order.
    let data (inputs: float[,]) (targets: float[,]) (components: int[]) : GenericChart =
        dataIn id inputs targets components

    /// The paper's Figure 3a: held-out inputs left; right their targets (grey rings) and what the chosen modules make
    /// of them (filled). The colour is the chosen module, the symbol the true component.
    let composition
        (inputs: float[,])
        (targets: float[,])
        (predictions: float[,])
        (components: int[])
        (chosen: int[])
        : GenericChart =
        let rows = Array2D.length1 inputs
        check (nameof inputs) rows inputs
        check (nameof targets) rows targets
        check (nameof predictions) rows predictions
        checkClasses (nameof components) rows components
        checkClasses (nameof chosen) rows chosen
        let kept = Downsample.spread most rows

        let coloured = clouds (fun m c -> $"module {m}, component {c}") kept (fun n -> chosen[n], components[n])

        let rings =
            let at axis = kept |> Array.map (fun n -> targets[n, axis])

            let ring = StyleParam.MarkerSymbol.Modified(StyleParam.MarkerSymbol.Circle, StyleParam.SymbolStyle.Open)

            cloud "target" (at 0) (at 1) Palette.grey ring 10 0.6

        Figure.beside [
            plane "inputs x" "x_1" "x_2" (coloured inputs)
            plane "targets y and predictions" "y_1" "y_2" (rings :: coloured predictions)
        ]

    /// What each module does to the plane: an arrow from input to prediction for some datapoints, a panel for each of the
    /// M modules.
    let arrows (modules: int) (inputs: float[,]) (predictions: float[,]) (chosen: int[]) : GenericChart =
        let rows = Array2D.length1 inputs
        check (nameof inputs) rows inputs
        check (nameof predictions) rows predictions
        checkClasses (nameof chosen) rows chosen
        let perModule = 25

        [
            for m in 0 .. modules - 1 do
                let members = chosen |> Array.indexed |> Array.filter (fun (_, a) -> a = m) |> Array.map fst

                let kept = Downsample.spread perModule members.Length |> Array.map (Array.get members)

                let some (points: float[,]) = Array2D.init kept.Length 2 (fun i axis -> points[kept[i], axis])

                [
                    Draw.Arrows(
                        "",
                        some inputs,
                        some predictions,
                        Palette.colour m,
                        Hover = "(%{x:.2f}, %{y:.2f})<extra></extra>"
                    )
                ]
                |> plane $"module {m}: x → prediction" "first coordinate" "second coordinate"
        ]
        |> Figure.grid 2

    /// The paper's Figure 3b: loss, H_a and H_b over the steps, with log M. The loss has an axis of its own.
    let curves (modules: int) (lines: MetricsLine seq) : GenericChart option =
        match List.choose id [ Curves.ofMetric Metric.Loss None lines; Curves.entropies (Some modules) lines ] with
        | [] -> None
        | panels -> Some(Figure.beside panels)
