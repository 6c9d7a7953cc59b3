namespace ModNet.Figures

open ModNet
open ModNet.Runtime
open Plotly.NET

/// Figures of a routing trace's analyses (`Inspect`). Modules and time steps count from 0 in them.
[<RequireQualifiedAccess>]
module Routes =

    let private modules count = Array.init count string

    let private bars (names: string[]) (heights: float[]) (colour: string) (hover: string) =
        Chart.Column(values = heights, Keys = names, MarkerColor = Color.fromString colour, UseDefaults = false)
        |> GenericChart.mapTrace (fun trace ->
            trace.SetProperty("hovertemplate", hover)
            trace)

    /// The height in pixels that a heat map of so many rows needs.
    let private tall rows = 140 + 18 * rows |> max 340

    /// The letters of a class or word for which there is room beside a heat map.
    let private mostLetters = 18

    /// Pixels that a label's letter takes, and the ticks and the title beside them.
    let private letterPixels, private besidePixels = 8, 40

    /// The share of the choices that fell on each module, a panel for each layer; the dashed line is the ideal, 1/M.
    let load (loads: ModuleLoad list) : GenericChart =
        loads
        |> List.map (fun load ->
            Panel.series [
                bars
                    (modules load.Modules)
                    load.Shares
                    Palette.blue
                    "module %{x}: %{y:.1%} of all choices<extra></extra>"
            ]
            |> Panel.title load.Layer
            |> Panel.x "module"
            |> Panel.y "share of choices"
            |> Panel.classesX
            |> Panel.yRange 0.0 (1.15 * max load.Ideal (Array.max load.Shares))
            |> Panel.reference load.Ideal "")
        |> Figure.grid 2

    /// How a class, task or word spreads over a layer's modules: rows sum to 1, black 0 to white the largest share. A panel for each table.
    let tables (what: string) (tables: SelectionTable list) : GenericChart =
        let panel i (table: SelectionTable) =
            let shares = table.Shares

            let counted (label: string) r = $"{label} ({table.Sites[r]})"
            let words = table.Labels |> Array.map VisibleText.Word
            let names = words |> Array.mapi (fun r word -> counted word r)
            let short = words |> Array.mapi (fun r word -> counted (Label.shortened mostLetters word) r)
            let longest = short |> Array.map String.length |> Array.fold max 0

            Panel.series [
                Draw.Heat(
                    modules (Array2D.length2 shares),
                    (0.0, shares |> Seq.cast<float> |> Seq.fold max 0.0),
                    shares,
                    Rows = names,
                    Hover = "%{y}, module %{x}: %{z:.1%}<extra></extra>"
                )
            ]
            |> Panel.title table.Layer
            |> Panel.x "module"
            |> Panel.y (if i % 2 = 0 then what else "")
            |> Panel.classesX
            |> Panel.classesY
            |> Panel.yMarks (List.ofArray (Array.zip names short))
            |> Panel.left (besidePixels + letterPixels * longest)
            |> Panel.downwards
            |> Panel.height (tall names.Length)

        tables |> List.mapi panel |> Figure.grid 2

    /// From the module of one time step (row) to that of the next (column); rows sum to 1, black 0 to white the largest share.
    let successions (layers: (string * int64[,]) list) : GenericChart =
        layers
        |> List.map (fun (name, counts) ->
            let total r = counts[r, *] |> Array.sum |> max 1L |> float

            let shares = counts |> Array2D.mapi (fun r _ count -> float count / total r)
            let names = modules (Array2D.length1 counts)

            Panel.series [
                Draw.Heat(
                    names,
                    (0.0, shares |> Seq.cast<float> |> Seq.fold max 0.0),
                    shares,
                    Rows = names,
                    Hover = "module %{y}, then %{x}: %{z:.1%}<extra></extra>"
                )
            ]
            |> Panel.title name
            |> Panel.x "module at the next step"
            |> Panel.y "module"
            |> Panel.classesX
            |> Panel.classesY
            |> Panel.downwards)
        |> Figure.grid 2

    /// The mean entropy of p(a | x) over time steps, a line for each layer that has several.
    let certainty (layers: (string * Certainty list) list) : GenericChart =
        layers
        |> List.map (fun (name, times) ->
            Draw.Line(name, [| for each in times -> float each.Time |], [| for each in times -> each.Entropy |]))
        |> Panel.over "time step"
        |> Panel.y "entropy of p(a | x) [nats]"

    /// How sure a layer's controller is of single datapoints: the share of them (all sites taken together) by the entropy of p(a | x), in ten
    /// steps from 0 to the largest possible, log M; a panel for each layer.
    let sureness (layers: (string * float * float[]) list) : GenericChart =
        layers
        |> List.map (fun (name, most, entropies) ->
            let bins = Array.zeroCreate 10

            for entropy in entropies do
                let bin = int (10.0 * entropy / max most 1e-9) |> max 0 |> min 9
                bins[bin] <- bins[bin] + 1.0 / float entropies.Length

            let names = Array.init 10 (fun i -> $"{Label.number (System.Math.Round(most * float i / 10.0, 2))}–")

            Panel.series [ bars names bins Palette.orange "from %{x} nats: %{y:.1%}<extra></extra>" ]
            |> Panel.title name
            |> Panel.x "entropy of p(a | x) [nats]"
            |> Panel.y "share of sites"
            |> Panel.classesX
            |> Panel.yRange 0.0 1.05)
        |> Figure.grid 2
