namespace ModNet.Generators

open FsCheck
open FsCheck.FSharp
open ModNet

/// Layers that hold no other layers.
[<RequireQualifiedAccess>]
module internal Steps =

    let activations = [
        Relu
        Tanh
        Sigmoid
        Gelu
        Silu
        LeakyRelu 0.1
        Elu 1.0
        Softplus
        Hardswish
        Mish
        Softmax
        LogSoftmax
    ]

    let private activation = Gen.elements (None :: None :: List.map Some activations)

    let linear width =
        gen {
            let! bias = Gen.frequency [ 3, Gen.constant true; 1, Gen.constant false ]
            let! activation = activation

            let spec: LinearSpec = { Width = width; Bias = bias; Activation = activation }

            return Layer.Linear spec
        }

    let conv channels (window: Window) =
        gen {
            let! bias = Gen.frequency [ 3, Gen.constant true; 1, Gen.constant false ]
            let! activation = activation

            return
                Layer.Conv {
                    Channels = channels
                    Kernel = window.Size
                    Stride = window.Stride
                    Padding = window.Padding
                    Bias = bias
                    Activation = activation
                }
        }

    let private convTranspose channels (window: Window) =
        conv channels window
        |> Gen.map (function
            | Layer.Conv spec -> Layer.ConvTranspose spec
            | other -> other)

    let private conv1d channels =
        gen {
            let! kernel = Gen.choose (1, 3)
            let! dilation = Gen.choose (1, 2)
            let! bias = Gen.frequency [ 3, Gen.constant true; 1, Gen.constant false ]
            let! activation = activation

            return
                Layer.Conv1d {
                    Conv1dSpec.Channels = channels
                    Kernel = kernel
                    Dilation = dilation
                    Bias = bias
                    Activation = activation
                }
        }

    /// Layers that read a whole window, of any length that tests have.
    let private attending width =
        gen {
            let! heads = Gen.elements [ for heads in 1 .. min 4 width -> heads ]
            let! causal = Gen.elements [ true; false ]

            return!
                Gen.frequency [
                    where (width % heads = 0) 2, Gen.constant (Layer.SelfAttention { Heads = heads; Causal = causal })
                    1, Gen.constant Layer.Positions
                    1, Gen.choose (8, 12) |> Gen.map Layer.LearnedPositions
                ]
        }

    /// Some of a vector's columns as categories; at most two, for the sake of time.
    let embedColumns (limits: Limits) width =
        gen {
            let! count = Gen.choose (1, min 2 width)
            let! order = Gen.shuffle [ 0 .. width - 1 ]

            let column index =
                gen {
                    let! categories = Gen.choose (1, limits.Vocabulary)
                    let! width = Gen.choose (1, limits.Width)

                    return { EmbeddedColumn.Column = index; Categories = categories; Width = width }
                }

            let! columns = order |> Seq.truncate count |> Seq.map column |> Gen.sequenceToList
            return Layer.EmbedColumns columns
        }

    /// A convolution that looks at single places.
    let point channels = conv channels { Size = 1; Stride = 1; Padding = 0 }

    let private pooling (window: Window) =
        let spec = { Window = window.Size; Stride = window.Stride }

        Gen.elements [ Layer.MaxPool spec; Layer.AvgPool spec ]

    /// Some of so many features.
    let private slice features width =
        Gen.choose (0, features - width) |> Gen.map (fun first -> Layer.Slice(first, width))

    /// Layers that leave any numbers' shape as it is.
    let private keeping (context: Context) shape =
        Gen.frequency [
            3, Gen.elements activations |> Gen.map Layer.Activation
            1, Gen.elements [ 0.0; 0.1; 0.5 ] |> Gen.map Layer.Dropout
            2, Gen.constant Layer.LayerNorm
            where (not context.InModule) 1, Gen.constant Layer.BatchNorm
            where (not context.InModule) 1, Gen.elements [ 1e-3; 0.5 ] |> Gen.map Layer.ActivityL1
            where (not context.InModule) 1, Gen.elements [ 0.0; 2.0 ] |> Gen.map Layer.Locality
            1, Gen.constant () |> Gen.map (fun () -> Layer.Custom(CustomExamples.scale shape))
        ]

    let private dense input output =
        Gen.constant () |> Gen.map (fun () -> Layer.Custom(CustomExamples.dense input output))

    /// One of these windows. Wide kernels are few, for the sake of time.
    let private few (windows: Window list) = windows |> List.sortBy _.Size |> List.truncate 6 |> Gen.elements

    /// Ways from a shape to another in one layer, with their weights; none for an image to a vector but a custom's or as
    /// many as there are values.
    let ways (context: Context) (input: Shape) (output: Shape) : (int * (unit -> Gen<Layer>)) list =
        let keep = where (input = output && not input.IsTokens) 5, (fun () -> keeping context output)

        match input, output with
        | Shape.Tokens _, Shape.Sequence width -> [ 4, (fun () -> Gen.constant (Layer.Embed width)) ]
        | Shape.Vector features, Shape.Vector width -> [
            4, (fun () -> linear width)
            1, (fun () -> dense input output)
            where (width <= features) 1, (fun () -> slice features width)
            keep
          ]
        | Shape.Sequence features, Shape.Sequence width -> [
            4, (fun () -> linear width)
            1, (fun () -> dense input output)
            2, (fun () -> Gen.constant (Layer.Gru width))
            2, (fun () -> Gen.constant (Layer.Lstm width))
            2, (fun () -> conv1d width)
            where (input = output) 3, (fun () -> attending width)
            where (width <= features) 1, (fun () -> slice features width)
            keep
          ]
        | Shape.Image(channels, height, width), Shape.Image(channels', height', width') ->
            let windows = Shapes.windows (height, width) (height', width')
            let larger = Shapes.larger (height, width) (height', width')
            let factor = height' / height

            let unpadded = windows |> List.filter (fun window -> window.Padding = 0)

            [
                where (not windows.IsEmpty) 4, (fun () -> few windows |> Gen.bind (conv channels'))
                where (not larger.IsEmpty) 2, (fun () -> few larger |> Gen.bind (convTranspose channels'))
                where (channels = channels' && (height', width') = (factor * height, factor * width)) 2,
                (fun () -> Gen.constant (Layer.Upsample factor))
                where (channels' <= channels && (height, width) = (height', width')) 1,
                (fun () -> slice channels channels')
                where (channels = channels' && not unpadded.IsEmpty) 2,
                (fun () -> Gen.elements unpadded |> Gen.bind pooling)
                1, (fun () -> dense input output)
                keep
            ]
        | Shape.Image(channels, height, width), Shape.Vector length -> [
            where (channels * height * width = length) 6, (fun () -> Gen.constant Layer.Flatten)
            1, (fun () -> dense input output)
          ]
        | _ -> invalidArg (nameof output) $"no layer leads from {input} to {output}"
