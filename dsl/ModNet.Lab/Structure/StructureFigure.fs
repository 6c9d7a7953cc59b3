namespace ModNet.Figures

open ModNet
open Plotly.NET

/// Figures of the structure of networks (`Structure`).
[<RequireQualifiedAccess>]
module StructureFigure =

    /// The nodes in the order of their communities, the largest first.
    let order (communities: Communities) : int[] =
        communities.Members |> Array.sortBy (fun members -> -members.Length, members[0]) |> Array.concat

    let private mostLetters = 14
    let private letterPixels, private besidePixels = 8, 40

    /// The weights of all links, with the nodes in the order of their communities, so that these are bright squares along the diagonal: black 0, white the
    /// largest weight.
    /// Example: `graph |> Structure.communities |> StructureFigure.matrix`
    let matrix (communities: Communities) : GenericChart =
        let order = order communities
        let weights = communities.Graph.Matrix()
        let values = Array2D.init order.Length order.Length (fun row column -> weights[order[row], order[column]])
        let names = order |> Array.map (fun node -> communities.Graph.Names[node])
        let short = names |> Array.map (Label.shortened mostLetters)
        let longest = short |> Array.map String.length |> Array.fold max 0

        Panel.series [
            Draw.Heat(
                names,
                (0.0, values |> Seq.cast<float> |> Seq.fold max 0.0),
                values,
                Rows = names,
                Hover = "%{y} and %{x}: %{z:.3~f}<extra></extra>"
            )
        ]
        |> Panel.classesX
        |> Panel.uprightX
        |> Panel.classesY
        |> Panel.downwards
        |> Panel.left (besidePixels + letterPixels * longest)
        |> Panel.height 560

    let private bins = 20

    /// What was found in a graph as a line, and beside it the counts of the random graphs with the same degrees.
    /// Example: `graph |> Structure.against_rewired 100 1 |> StructureFigure.rewired "modularity Q"`
    let rewired (what: string) (against: AgainstRewired) : GenericChart =
        let low, high = Array.min against.Rewired, Array.max against.Rewired
        let width = if high > low then (high - low) / float bins else 1e-3
        let counts = Array.zeroCreate bins

        for value in against.Rewired do
            let bin = int ((value - low) / width) |> min (bins - 1)
            counts[bin] <- counts[bin] + 1.0

        let middles = Array.init bins (fun bin -> low + (float bin + 0.5) * width)

        Panel.series [
            Chart.Column(
                values = counts,
                Keys = middles,
                Name = "random graphs of the same degrees",
                MarkerColor = Color.fromString Palette.grey,
                UseDefaults = false
            )
            Draw.Line(
                "the graph",
                [| against.Found; against.Found |],
                [| 0.0; Array.max counts |],
                Colour = Palette.vermillion
            )
        ]
        |> Panel.x what
        |> Panel.y "graphs"
        |> Panel.wholeY
