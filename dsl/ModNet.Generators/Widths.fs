namespace ModNet.Generators

open ModNet

/// Widths made smaller, one by one and all of a size at once.
[<RequireQualifiedAccess>]
module internal Widths =

    let private ofShape change shape =
        match shape with
        | Shape.Tokens _ -> shape
        | Shape.Vector width -> Shape.Vector(change width)
        | Shape.Sequence width -> Shape.Sequence(change width)
        | Shape.Image(channels, height, width) -> Shape.Image(change channels, height, width)

    let private controller change controller =
        match controller with
        | Mlp hidden -> Mlp(List.map change hidden)
        | Conv(channels, kernel) -> Conv(change channels, kernel)
        | other -> other

    /// The features of every layer: widths, and channels. Custom modules of the user's own stay as they are.
    let private layer change layer =
        match layer with
        | Layer.Features width -> Layer.Features(change width)
        | Layer.Sequence width -> Layer.Sequence(change width)
        | Layer.Image(channels, height, width) -> Layer.Image(change channels, height, width)
        | Layer.Embed width -> Layer.Embed(change width)
        | Layer.EmbedColumns columns ->
            Layer.EmbedColumns [
                for column in columns ->
                    { column with Categories = change column.Categories; Width = change column.Width }
            ]
        | Layer.Linear spec -> Layer.Linear { spec with Width = change spec.Width }
        | Layer.Conv spec -> Layer.Conv { spec with Channels = change spec.Channels }
        | Layer.ConvTranspose spec -> Layer.ConvTranspose { spec with Channels = change spec.Channels }
        | Layer.Conv1d spec -> Layer.Conv1d { spec with Channels = change spec.Channels; Kernel = change spec.Kernel }
        | Layer.Gru hidden -> Layer.Gru(change hidden)
        | Layer.Lstm hidden -> Layer.Lstm(change hidden)
        | Layer.Modular modular -> Layer.Modular { modular with Controller = controller change modular.Controller }
        | Layer.ModularGru gru ->
            Layer.ModularGru {
                gru with
                    Hidden = change gru.Hidden
                    Candidate = { gru.Candidate with Controller = controller change gru.Candidate.Controller }
            }
        | Layer.Custom spec -> Layer.Custom(CustomExamples.reshape (ofShape change) spec)
        | other -> other

    /// The sizes of images, and of what slides over them.
    let private side change layer =
        match layer with
        | Layer.Image(channels, height, width) -> Layer.Image(channels, change height, change width)
        | Layer.Custom spec ->
            let ofShape shape =
                match shape with
                | Shape.Image(channels, height, width) -> Shape.Image(channels, change height, change width)
                | other -> other

            Layer.Custom(CustomExamples.reshape ofShape spec)
        | other -> other

    /// Every number that a change of the network would touch.
    let private numbers layer (network: Network) =
        let met = ResizeArray<int>()

        let meet number =
            met.Add number
            number

        LayerTree.network (layer meet) network |> ignore
        List.ofSeq met

    let shrink (network: Network) : Network seq =
        seq {
            for change in [ layer; side ] do
                let met = numbers change network

                for number in List.distinct met do
                    for fewer in Numbers.fewer 1 number do
                        LayerTree.network (change (fun old -> if old = number then fewer else old)) network

                // One at a time, by its place in the walk.
                for index, number in List.indexed met do
                    for fewer in Numbers.fewer 1 number do
                        let mutable at = -1

                        let one old =
                            at <- at + 1
                            if at = index then fewer else old

                        LayerTree.network (change one) network
        }
