namespace ModNet.Figures

/// Pictures of what controllers choose.
[<RequireQualifiedAccess>]
module Controllers =
    let private panel (name: string) (probabilities: float[,]) =
        let names = Array.init (Array2D.length2 probabilities) (fun m -> string (m + 1))

        Series.heat name names (0.0, 1.0) probabilities
        |> Series.hover "datapoint %{y}, module %{x}: %{z:.3f}<extra></extra>" [||]
        |> List.singleton
        |> Panel.series
        |> Panel.title name
        |> Panel.x "module"
        |> Panel.classesX
        |> Panel.wholeY
        |> Panel.downwards

    /// The paper's Figure 5: p(a | x, φ) of one mini-batch [B, M], a row for each datapoint, black 0 to white 1.
    let distribution (probabilities: float[,]) : Figure =
        panel "" probabilities |> Panel.y "datapoint" |> Figure.single

    /// The same mini-batch at several times of the training, named, in their order.
    let evolution (times: (string * float[,]) list) : Figure =
        times
        |> List.mapi (fun i (name, probabilities) ->
            panel name probabilities |> Panel.y (if i = 0 then "datapoint" else ""))
        |> Figure.beside
