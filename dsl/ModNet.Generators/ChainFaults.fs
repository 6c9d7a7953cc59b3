namespace ModNet.Generators

open System
open ModNet

/// Faults of layers and of their order, at every place of a chain where they stay alone: the faulty layer's output is either
/// what the next layer wants, or not known to `check`, which then has nothing to say about what follows.
[<RequireQualifiedAccess>]
module internal ChainFaults =

    let private linear width : Layer = Layer.Linear(linear width)

    let private conv channels kernel stride padding =
        Layer.Conv { conv channels kernel with Stride = stride; Padding = padding }

    let private convTranspose channels kernel stride padding =
        Layer.ConvTranspose { ConvLayer.conv channels kernel with Stride = stride; Padding = padding }

    let private conv1d channels kernel dilation = Layer.Conv1d { conv1d channels kernel with Dilation = dilation }

    let private pooling window stride : PoolingSpec = { Window = window; Stride = stride }

    /// A custom module whose code is there, with other shapes. Such a network is to be checked only.
    let private custom input output = { CustomExamples.scale (Shape.Vector 1) with Input = input; Output = output }

    let private unknown input output = { custom input output with Code = Carried.none }

    /// Another shape of no layer's liking.
    let private otherThan shape = if shape = Shape.Vector 97 then Shape.Vector 89 else Shape.Vector 97

    /// One more layer, after which the shape is another one of the same kind.
    let widening shape =
        match shape with
        | Shape.Vector width
        | Shape.Sequence width -> linear (width + 1)
        | Shape.Image(channels, _, _) -> conv (channels + 1) 1 1 0
        | Shape.Tokens _ -> Layer.Embed 1

    /// One more layer, after which the shape is of another kind.
    let private changing shape =
        let other =
            match shape with
            | Shape.Vector _ -> Shape.Sequence 2
            | _ -> Shape.Vector 2

        Layer.Custom(custom shape other)

    let private soundPool = ModularLayer.own 2 [ [ linear 2 ] ]

    let private noPool = { soundPool with Modules = 0; Units = [] }

    /// Layers that are wrong wherever numbers flow, with the setting that is named.
    let private wrongAnywhere shape = [
        Fault.RateOutOfRange, Layer.Dropout 1.0, "/rate"
        Fault.RateOutOfRange, Layer.Dropout -0.1, "/rate"
        Fault.ColumnOutOfRange, Layer.Slice(-1, 1), ""
        Fault.ColumnOutOfRange, Layer.Slice(0, 100_003), ""
        Fault.NonPositiveSize, Layer.Slice(0, 0), "/width"
        Fault.EmptyBlock, Layer.Residual [], ""
        Fault.EmptyBlock, Layer.Coupling [], ""
        Fault.EmptyBlock, Layer.Uncoupling [], ""
        Fault.EmptyBlock, Layer.SumOf [], ""
        Fault.EmptyBlock, Layer.ConcatOf [], ""
        Fault.EmptyBlock, Layer.Repeat(2, []), ""
        Fault.EmptyBlock, Layer.Block("hollow", []), ""
        Fault.BadName, Layer.Block("dot.ted", [ Layer.Activation Relu ]), ""
        Fault.NonPositiveSize, Layer.Repeat(0, [ Layer.LayerNorm ]), "/times"
        Fault.CustomUnknown, Layer.Custom(unknown shape shape), ""
        Fault.CustomInput, Layer.Custom(custom (otherThan shape) shape), ""
        Fault.SlopeOutOfRange, Layer.Activation(LeakyRelu -0.1), "/activation"
        Fault.SlopeOutOfRange, Layer.Activation(Elu nan), "/activation"
    ]

    let private wrongInModule = [
        Fault.BatchNormInModule, Layer.BatchNorm, ""
        Fault.PenaltyInModule, Layer.ActivityL1 0.1, ""
        Fault.PenaltyInModule, Layer.Locality 0.1, ""
        Fault.PenaltyInModule, Layer.Boundary Boundary.Closed, ""
        Fault.ChoiceInModule, Layer.Modular(ModularLayer.plain soundPool), ""
    ]

    let private wrongOutside = [
        Fault.WeightOutOfRange, Layer.ActivityL1 0.0, "/weight"
        Fault.WeightOutOfRange, Layer.Locality -0.1, "/weight"
        Fault.NoPool, Layer.Modular(ModularLayer.plain noPool), "/pool"
        Fault.KAboveM,
        Layer.Modular { ModularLayer.plain { soundPool with Units = [ [ Layer.Activation Tanh ] ] } with Choose = 3 },
        "/choose"
    ]

    let private wrongOn shape =
        match shape with
        | Shape.Tokens _ -> [
            Fault.TokensWithoutEmbed, linear 2, ""
            Fault.TokensWithoutEmbed, Layer.Activation Tanh, ""
            Fault.TokensWithoutEmbed, Layer.LayerNorm, ""
          ]
        | Shape.Vector _ -> [
            Fault.SequenceExpected, Layer.Gru 2, ""
            Fault.SequenceExpected, Layer.Lstm 2, ""
            Fault.SequenceExpected, conv1d 2 1 1, ""
            Fault.SequenceExpected, Layer.SelfAttention { Heads = 1; Causal = true }, ""
            Fault.SequenceExpected, Layer.Positions, ""
            Fault.SequenceExpected, Layer.LastStep, ""
            Fault.SequenceExpected, Layer.MeanSteps, ""
            Fault.WidthUnlikeImage, Layer.AsImage(100_003, 1, 1), ""
            Fault.NonPositiveSize, Layer.AsImage(1, 0, 1), ""
            Fault.SequenceExpected, Layer.LearnedPositions 4, ""
            Fault.ImageExpected, conv 2 1 1 0, ""
            Fault.ImageExpected, convTranspose 2 1 1 0, ""
            Fault.ImageExpected, Layer.Upsample 2, ""
            Fault.ImageExpected, Layer.MaxPool(pooling 1 1), ""
            Fault.ImageExpected, Layer.Flatten, ""
            Fault.NonPositiveSize, linear 0, "/width"
          ]
        | Shape.Sequence width -> [
            Fault.ImageExpected, Layer.AvgPool(pooling 1 1), ""
            Fault.EmbedWithoutTokens, Layer.Embed width, ""
            Fault.VectorExpected, Layer.AsImage(1, 1, width), ""
            Fault.NonPositiveSize, Layer.Gru 0, "/hidden"
            Fault.NonPositiveSize, Layer.Lstm 0, "/hidden"
            Fault.NonPositiveSize, conv1d 0 1 1, "/channels"
            Fault.NonPositiveSize, conv1d 1 0 1, "/kernel"
            Fault.NonPositiveSize, conv1d 1 2 0, "/dilation"
            Fault.TooLarge, conv1d 1 3 Int32.MaxValue, ""
            Fault.NonPositiveSize, Layer.SelfAttention { Heads = 0; Causal = true }, "/heads"
            Fault.HeadsUnfit, Layer.SelfAttention { Heads = width + 1; Causal = true }, "/heads"
            Fault.NonPositiveSize, Layer.LearnedPositions 0, "/steps"
            Fault.NonPositiveSize, linear -3, "/width"
          ]
        | Shape.Image(_, height, width) -> [
            Fault.SequenceExpected, Layer.Gru 2, ""
            Fault.SequenceExpected, Layer.Lstm 2, ""
            Fault.SequenceExpected, conv1d 2 1 1, ""
            Fault.VectorExpected, linear 2, ""
            Fault.NonPositiveSize, Layer.Upsample 0, "/factor"
            Fault.TooLarge, Layer.Upsample Int32.MaxValue, ""
            Fault.StrideOutOfRange, convTranspose 1 1 0 0, "/stride"
            Fault.PaddingOutOfRange, convTranspose 1 1 1 1, "/padding"
            Fault.PaddingOutOfRange, convTranspose 1 (height + 2) 1 (height + 1), "/padding"
            Fault.NonPositiveSize, convTranspose 0 1 1 0, "/channels"
            Fault.NonPositiveSize, convTranspose 1 0 1 0, "/kernel"
            Fault.KernelAboveImage, conv 1 (min height width + 1) 1 0, "/kernel"
            Fault.KernelAboveImage, Layer.MaxPool(pooling (min height width + 1) 1), "/window"
            Fault.StrideOutOfRange, conv 1 1 0 0, "/stride"
            Fault.StrideOutOfRange, Layer.AvgPool(pooling 1 -1), "/stride"
            Fault.PaddingOutOfRange, conv 1 1 1 1, "/padding"
            Fault.NonPositiveSize, conv 0 1 1 0, "/channels"
            Fault.NonPositiveSize, conv 1 0 1 0, "/kernel"

            if height * width > 1 then Fault.TooLarge, conv Int32.MaxValue 1 1 0, ""
          ]

    /// Layers that no chain inside a network holds.
    let private ends = [
        Layer.Softmax 2
        Layer.Categorical
        Layer.Bernoulli
        Layer.Features 2
        Layer.Tasks 2
        Layer.EmbedColumns [ { EmbeddedColumn.Column = 0; Categories = 2; Width = 2 } ]
    ]

    let private inserted (chain: ChainPlace) index layer = List.insertAt index layer chain.Layers

    let private nameAt (chain: ChainPlace) layers index = chain.Prefix + List.item index (Places.names layers)

    let private insertion (chain: ChainPlace) index (fault, layer, setting) =
        let layers = inserted chain index layer
        plant fault (nameAt chain layers index + setting) (fun () -> chain.Replace layers)

    /// The layers of a chain before which one may stand: at the top, those after inputs, the head among them.
    let private gaps (chain: ChainPlace) = [
        for index in 0 .. chain.Layers.Length do
            let follows =
                match List.tryItem index chain.Layers with
                // Nothing may come between the input and the columns that are embedded.
                | Some layer -> (Typing.input layer).IsNone && not layer.IsTasks && not layer.IsEmbedColumns
                | None -> not chain.IsTop

            if follows then index, chain.Shapes[index]
    ]

    let private insertions (chain: ChainPlace) =
        if chain.IsGathered then
            []
        else
            [
                for index, shape in gaps chain do
                    let wrong = [
                        yield! wrongOn shape

                        if not shape.IsTokens then
                            yield! wrongAnywhere shape

                            if chain.InModule then yield! wrongInModule else yield! wrongOutside

                        if not chain.IsTop then
                            for layer in ends do
                                Fault.NotInside, layer, ""
                    ]

                    for one in wrong do
                        insertion chain index one
            ]

    let private duplicates (chain: ChainPlace) = [
        for index, layer in List.indexed chain.Layers do
            match layer with
            | Layer.Block(name, _) when not chain.IsGathered ->
                let again = Layer.Block(name, [ Layer.Activation Relu ])
                let layers = inserted chain (index + 1) again
                plant Fault.DuplicateName (chain.Prefix + name) (fun () -> chain.Replace layers)
            | _ -> ()
    ]

    /// The layer at this index changed, with the setting that is named.
    let private changes (chain: ChainPlace) index layer =
        let input, output = chain.Shapes[index], chain.Shapes[index + 1]

        match layer with
        | Layer.Embed _ -> [ Fault.NonPositiveSize, Layer.Embed 0, "/width" ]
        | Layer.Linear spec -> [
            Fault.NonPositiveSize, Layer.Linear { spec with Width = 0 }, "/width"
            Fault.NonPositiveSize, Layer.Linear { spec with Width = -1 }, "/width"
            Fault.SlopeOutOfRange, Layer.Linear { spec with Activation = Some(LeakyRelu infinity) }, "/activation"
          ]
        | Layer.Conv spec -> [
            Fault.NonPositiveSize, Layer.Conv { spec with Channels = 0 }, "/channels"
            Fault.NonPositiveSize, Layer.Conv { spec with Kernel = 0 }, "/kernel"
            Fault.StrideOutOfRange, Layer.Conv { spec with Stride = 0 }, "/stride"
            Fault.PaddingOutOfRange, Layer.Conv { spec with Padding = spec.Kernel }, "/padding"
            Fault.PaddingOutOfRange, Layer.Conv { spec with Padding = -1 }, "/padding"
            match input with
            | Shape.Image(_, height, width) ->
                let above = min height width + 2 * spec.Padding + 1
                Fault.KernelAboveImage, Layer.Conv { spec with Kernel = above }, "/kernel"
            | _ -> ()
          ]
        | Layer.ConvTranspose spec -> [
            Fault.NonPositiveSize, Layer.ConvTranspose { spec with Channels = 0 }, "/channels"
            Fault.StrideOutOfRange, Layer.ConvTranspose { spec with Stride = 0 }, "/stride"
            Fault.PaddingOutOfRange, Layer.ConvTranspose { spec with Padding = spec.Kernel }, "/padding"
            Fault.SlopeOutOfRange, Layer.ConvTranspose { spec with Activation = Some(Elu -1.0) }, "/activation"
          ]
        | Layer.Conv1d spec -> [
            Fault.NonPositiveSize, Layer.Conv1d { spec with Channels = -1 }, "/channels"
            Fault.NonPositiveSize, Layer.Conv1d { spec with Kernel = 0 }, "/kernel"
            Fault.NonPositiveSize, Layer.Conv1d { spec with Dilation = 0 }, "/dilation"
            Fault.SlopeOutOfRange, Layer.Conv1d { spec with Activation = Some(LeakyRelu nan) }, "/activation"
          ]
        | Layer.SelfAttention spec -> [ Fault.NonPositiveSize, Layer.SelfAttention { spec with Heads = -1 }, "/heads" ]
        | Layer.LearnedPositions _ -> [ Fault.NonPositiveSize, Layer.LearnedPositions -1, "/steps" ]
        | Layer.Upsample _ -> [ Fault.NonPositiveSize, Layer.Upsample 0, "/factor" ]
        | Layer.EmbedColumns columns -> [
            let first = columns.Head
            let instead column = Layer.EmbedColumns(column :: columns.Tail)
            Fault.NonPositiveSize, instead { first with Categories = 0 }, "/1/categories"
            Fault.NonPositiveSize, instead { first with Width = 0 }, "/1/width"
            Fault.ColumnOutOfRange, instead { first with Column = -1 }, "/1/column"
            Fault.ColumnTwice, Layer.EmbedColumns(columns @ [ first ]), $"/{columns.Length + 1}/column"
            Fault.EmptyBlock, Layer.EmbedColumns [], ""

            match input with
            | Shape.Vector width -> Fault.ColumnOutOfRange, instead { first with Column = width }, "/1/column"
            | _ -> ()
          ]
        | Layer.MaxPool spec -> [
            Fault.NonPositiveSize, Layer.MaxPool { spec with Window = 0 }, "/window"
            Fault.StrideOutOfRange, Layer.MaxPool { spec with Stride = 0 }, "/stride"
          ]
        | Layer.Dropout _ -> [ Fault.RateOutOfRange, Layer.Dropout 1.5, "/rate" ]
        | Layer.ActivityL1 _ -> [ Fault.WeightOutOfRange, Layer.ActivityL1 nan, "/weight" ]
        | Layer.Locality _ -> [ Fault.WeightOutOfRange, Layer.Locality infinity, "/weight" ]
        | Layer.Boundary _ -> [
            Fault.NonPositiveSize, Layer.Boundary(Boundary.Synthetic { Hidden = [ 0 ]; SeesTarget = false }), "/hidden"
          ]
        | Layer.Gru _ -> [ Fault.NonPositiveSize, Layer.Gru -1, "/hidden" ]
        | Layer.Lstm _ -> [ Fault.NonPositiveSize, Layer.Lstm -1, "/hidden" ]
        | Layer.Custom spec -> [
            Fault.CustomUnknown, Layer.Custom { spec with Code = Carried.none }, ""
            Fault.CustomInput, Layer.Custom { spec with Input = otherThan input }, ""
          ]
        | Layer.Repeat(_, layers) when input = output -> [ Fault.NonPositiveSize, Layer.Repeat(0, layers), "/times" ]
        | Layer.Residual layers -> [ Fault.ResidualShape, Layer.Residual(layers @ [ widening output ]), "" ]
        | Layer.Coupling layers -> [
            Fault.CouplingShape, Layer.Coupling(layers @ [ widening (Typing.half output).Value ]), ""
          ]
        | Layer.Uncoupling layers -> [
            Fault.CouplingShape, Layer.Uncoupling(layers @ [ widening (Typing.half output).Value ]), ""
          ]
        | Layer.SumOf branches -> [
            for index in 1 .. branches.Length - 1 do
                let branches = List.updateAt index (branches[index] @ [ widening output ]) branches
                Fault.BranchShapes, Layer.SumOf branches, $"/{index + 1}"
          ]
        | Layer.ConcatOf branches -> [
            for index in 1 .. branches.Length - 1 do
                match Typing.chain (Typing.Known(Some 0)) chain.InModule branches[index] input with
                | Some shape ->
                    let branches = List.updateAt index (branches[index] @ [ changing shape ]) branches
                    Fault.BranchShapes, Layer.ConcatOf branches, $"/{index + 1}"
                | None -> ()
          ]
        | _ -> []

    let private mutations (chain: ChainPlace) = [
        let names = Places.names chain.Layers

        for index, layer in List.indexed chain.Layers do
            for fault, changed, setting in changes chain index layer do
                // What `Gather` and `Kernel` want is a single linear map of any width.
                if not chain.IsGathered || changed.IsLinear then
                    let layers = List.updateAt index changed chain.Layers
                    plant fault (chain.Prefix + names[index] + setting) (fun () -> chain.Replace layers)
    ]

    /// A shared pool used again for rows that its modules do not read. Later in the walk than its first use, which says
    /// what it reads.
    let private signatures (places: Places) (chain: ChainPlace) = [
        if not chain.InModule then
            for pool in places.Pools do
                for index, shape in gaps chain do
                    let isLater = if chain.IsTop then index > pool.Users.Head.Top else chain.Top > pool.Users.Head.Top

                    let readsRow =
                        match pool.Pool.Units with
                        | (Layer.Linear _ :: _) :: _ -> true
                        | _ -> false

                    if
                        pool.Pool.Name.IsSome
                        && isLater
                        && readsRow
                        && not shape.IsTokens
                        && Typing.row shape <> pool.Row
                    then
                        insertion
                            chain
                            index
                            (Fault.PoolSignatures, Layer.Modular(ModularLayer.plain pool.Pool), "/from")
    ]

    let all (places: Places) = [
        for chain in places.Chains do
            yield! insertions chain
            yield! duplicates chain
            yield! mutations chain
            yield! signatures places chain
    ]
