namespace ModNet.Figures

open Plotly.NET

/// Pictures of what controllers choose.
[<RequireQualifiedAccess>]
module Controllers =
    let private panel (name: string) (probabilities: float[,]) =
        let names = Array.init (Array2D.length2 probabilities) string

        Panel.series [
            Draw.Heat(names, (0.0, 1.0), probabilities, Hover = "datapoint %{y}, module %{x}: %{z:.3f}<extra></extra>")
        ]
        |> Panel.title name
        |> Panel.x "module"
        |> Panel.classesX
        |> Panel.wholeY
        |> Panel.downwards

    /// The paper's Figure 5: p(a | x, φ) of one mini-batch [B, M], a row for each datapoint, black 0 to white 1.
    let distribution (probabilities: float[,]) : GenericChart = panel "" probabilities |> Panel.y "datapoint"

    /// The same mini-batch at several times of the training, side by side, each with its name.
    let evolution (times: (string * float[,]) list) : GenericChart =
        times
        |> List.mapi (fun i (name, probabilities) ->
            panel name probabilities |> Panel.y (if i = 0 then "datapoint" else ""))
        |> Figure.beside

    /// The same mini-batch in the paper's layout: a strip for each time, with the training's beginning on top, a column for each datapoint, and a row
    /// for each module.
    let strips (times: (string * float[,]) list) : GenericChart =
        times
        |> List.mapi (fun i (name, probabilities) ->
            let datapoints, modules = Array2D.length1 probabilities, Array2D.length2 probabilities

            let columns = Array.init datapoints string

            Panel.series [
                Draw.Heat(
                    columns,
                    (0.0, 1.0),
                    Array2D.init modules datapoints (fun m n -> probabilities[n, m]),
                    Hover = "datapoint %{x}, module %{y}: %{z:.3f}<extra></extra>"
                )
            ]
            |> Panel.title name
            |> Panel.x (if i = times.Length - 1 then "datapoint" else "")
            |> Panel.y "module"
            |> Panel.wholeY
            |> Panel.downwards
            // Axis, title and scale take most of a strip.
            |> Panel.height 200)
        |> Figure.grid 1
