namespace ModNet

open System

/// A layer in a summary.
type SummaryRow = {
    Name: string
    /// The keyword: `modular_gru`.
    Kind: string
    /// The output of one datapoint.
    Output: Shape
    /// M, of a modular layer's pool.
    Modules: int option
    /// K.
    Choose: int option
    /// The shared pool's name.
    Pool: string option
    Cost: Cost
}

/// A sound network's layers, their shapes and their costs; its text is a table.
type Summary = {
    Network: string
    Rows: SummaryRow list
    Total: Cost
} with

    /// Whether a datapoint is a sequence, so that active parameters and multiply-adds are those of one step.
    member summary.IsSequence = summary.Rows |> List.exists (fun row -> row.Output.IsTokens || row.Output.IsSequence)

    /// The network's name and a row per layer, in aligned columns.
    override summary.ToString() =
        let per = if summary.IsSequence then "step" else "datapoint"

        let header = [
            "layer"
            "kind"
            "output"
            "M"
            "K"
            "pool"
            "parameters"
            $"active per {per}"
            $"multiply-adds per {per}"
        ]

        let costs (cost: Cost) = [
            Numbers.grouped cost.Parameters
            Numbers.grouped cost.Active
            Numbers.grouped cost.MultiplyAdds
        ]

        let number = Option.map string<int> >> Option.defaultValue ""

        let row (row: SummaryRow) =
            [
                row.Name
                row.Kind
                string row.Output
                number row.Modules
                number row.Choose
                Option.defaultValue "" row.Pool
            ]
            @ costs row.Cost

        let lines = header :: List.map row summary.Rows @ [ "total" :: List.replicate 5 "" @ costs summary.Total ]

        let ofWords index = index < 3 || index = 5
        summary.Network :: Columns.lines ofWords lines |> String.concat "\n"

module internal Summary =

    let ofPlan (plan: Plan) : Summary =
        let seen = Collections.Generic.HashSet<string>()

        let row (layer: PlannedLayer) =
            let isNew =
                match layer.Pool with
                | Some pool -> seen.Add pool.Name
                | None -> false

            let modular = layer.Layer.Choosing

            {
                Name = layer.Name
                Kind = Kind.ofLayer layer.Layer
                Output = layer.Output
                Modules = modular |> Option.map _.Pool.Modules
                Choose = modular |> Option.map _.Choose
                Pool = modular |> Option.bind _.Pool.Name
                Cost = Kind.cost isNew layer
            }

        let rows = plan.Layers |> List.collect _.Unfolded |> List.map row

        { Network = plan.Network.Name; Rows = rows; Total = rows |> Seq.map _.Cost |> Cost.sum }
