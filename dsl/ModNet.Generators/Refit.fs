namespace ModNet.Generators

open ModNet

/// Mends shapes after a change of widths: what must give a certain shape gets a last layer that does, and what must read
/// one reads it. Where that cannot be done, a chain stays as it is.
[<RequireQualifiedAccess>]
module internal Refit =

    /// A layer that gives the target, of its kind.
    let rec private giving target layer =
        match layer, target with
        | Layer.Linear spec, (Shape.Vector width | Shape.Sequence width) -> Layer.Linear { spec with Width = width }
        | Layer.Gru _, Shape.Sequence width -> Layer.Gru width
        | Layer.Lstm _, Shape.Sequence width -> Layer.Lstm width
        | Layer.Conv1d spec, Shape.Sequence width -> Layer.Conv1d { spec with Channels = width }
        | Layer.Embed _, Shape.Sequence width -> Layer.Embed width
        | Layer.Conv spec, Shape.Image(channels, _, _) -> Layer.Conv { spec with Channels = channels }
        | Layer.ConvTranspose spec, Shape.Image(channels, _, _) -> Layer.ConvTranspose { spec with Channels = channels }
        | Layer.Custom spec, _ when CustomExamples.isDense spec -> Layer.Custom(CustomExamples.dense spec.Input target)
        | Layer.Block(name, layers), _ -> Layer.Block(name, ending target layers)
        | Layer.Repeat(times, layers), _ -> Layer.Repeat(times, ending target layers)
        | Layer.SumOf branches, _ -> Layer.SumOf(List.map (ending target) branches)
        | other, _ -> other

    and private ending target layers =
        match List.rev layers with
        | last :: before -> List.rev (giving target last :: before)
        | [] -> []

    // The layers of a coupling that reads the shape, where it can.
    let private coupled chain shape layers =
        match Typing.half shape with
        | Some part -> ending part (chain part layers)
        | None -> layers

    /// A layer that reads the shape.
    let rec private reading known inModule shape layer =
        let chain = chain known inModule

        match layer with
        | Layer.Custom spec when CustomExamples.isScale spec -> Layer.Custom(CustomExamples.scale shape)
        | Layer.Custom spec when CustomExamples.isDense spec -> Layer.Custom(CustomExamples.dense shape spec.Output)
        | Layer.Residual layers -> Layer.Residual(ending shape (chain shape layers))
        | Layer.Coupling layers -> Layer.Coupling(coupled chain shape layers)
        | Layer.Uncoupling layers -> Layer.Uncoupling(coupled chain shape layers)
        | Layer.Block(name, layers) -> Layer.Block(name, chain shape layers)
        | Layer.Repeat(times, layers) -> Layer.Repeat(times, chain shape layers)
        | Layer.ConcatOf branches -> Layer.ConcatOf(List.map (chain shape) branches)
        | Layer.SumOf branches ->
            let branches = List.map (chain shape) branches

            match branches |> List.tryPick (fun layers -> Typing.chain known inModule layers shape) with
            | Some target -> Layer.SumOf(List.map (ending target) branches)
            | None -> Layer.SumOf branches
        | other -> other

    and private chain known inModule shape layers =
        let next shape layer =
            match shape with
            | Some shape ->
                let layer = reading known inModule shape layer
                layer, Typing.layer known inModule layer shape
            | None -> layer, None

        List.mapFold next (Some shape) layers |> fst

    /// The network with what its widths ask for outside modules.
    let network (network: Network) : Network =
        match Typing.opening network.Layers with
        | Some(first, tasks, rest) ->
            match Typing.input first with
            | Some shape ->
                let opening = first :: (tasks |> Option.map Layer.Tasks |> Option.toList)
                let known = Typing.Known tasks

                { network with Layers = opening @ chain known false shape rest }
            | None -> network
        | None -> network
