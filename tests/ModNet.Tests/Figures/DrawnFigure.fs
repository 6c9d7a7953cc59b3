/// What tests read of figures, and points to draw.
module ModNet.Tests.DrawnFigure

open System.Text.Json.Nodes
open ModNet.Figures

let text (node: JsonNode) = node.GetValue<string>()

let floats (node: JsonNode) = node.AsArray() |> Seq.map _.GetValue<float>() |> Seq.toArray

let names (figure: Drawn) = figure.Data |> Seq.map (fun trace -> text trace["name"]) |> Seq.toList

let listed (figure: Drawn) =
    figure.Data
    |> Seq.filter (fun trace -> figure.Layout["showlegend"].GetValue<bool>() && isNull trace["showlegend"])
    |> Seq.map (fun trace -> text trace["name"])
    |> Seq.toList

let points = array2D [ [ 0.0; 1.0 ]; [ 2.0; 3.0 ]; [ 4.0; 5.0 ] ]

let moved = Array2D.map (fun x -> 10.0 * x) points
