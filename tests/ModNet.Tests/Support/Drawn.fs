namespace ModNet.Tests

open System.Text.Json.Nodes
open ModNet.Figures
open Plotly.NET

/// A chart as a browser gets it.
type Drawn(chart: GenericChart) =
    let json = ChartJson.ofChart chart
    let root = JsonNode.Parse json

    member _.Json = json
    member _.Data = root["data"].AsArray()
    member _.Layout = root["layout"].AsObject()
