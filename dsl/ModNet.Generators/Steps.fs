namespace ModNet.Generators

open FsCheck
open FsCheck.FSharp
open ModNet

/// Layers that hold no other layers.
[<RequireQualifiedAccess>]
module internal Steps =

    let activations = [ Relu; Tanh; Sigmoid ]

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

    /// A convolution that looks at single places.
    let point channels = conv channels { Size = 1; Stride = 1; Padding = 0 }

    let private pooling (window: Window) =
        let spec = { Window = window.Size; Stride = window.Stride }

        Gen.elements [ Layer.MaxPool spec; Layer.AvgPool spec ]

    /// Layers that leave any numbers' shape as it is.
    let private keeping (context: Context) shape =
        Gen.frequency [
            3, Gen.elements activations |> Gen.map Layer.Activation
            1, Gen.elements [ 0.0; 0.1; 0.5 ] |> Gen.map Layer.Dropout
            2, Gen.constant Layer.LayerNorm
            where (not context.InModule) 1, Gen.constant Layer.BatchNorm
            where (not context.InModule) 1, Gen.elements [ 1e-3; 0.5 ] |> Gen.map Layer.ActivityL1
            1, Gen.constant () |> Gen.map (fun () -> Layer.Custom(CustomExamples.scale shape))
        ]

    let private dense input output =
        Gen.constant () |> Gen.map (fun () -> Layer.Custom(CustomExamples.dense input output))

    /// A window from one image size to another; there must be one.
    let private window from till =
        // Wide kernels are few, for the sake of time.
        match Shapes.windows from till with
        | [] -> invalidArg (nameof till) $"no window leads from {from} to {till}"
        | windows -> windows |> List.sortBy _.Size |> List.truncate 6 |> Gen.elements

    /// Ways from a shape to another in one layer, with their weights; none for an image to a vector but a custom's or as
    /// many as there are values.
    let ways (context: Context) (input: Shape) (output: Shape) : (int * (unit -> Gen<Layer>)) list =
        let keep = where (input = output && not input.IsTokens) 5, (fun () -> keeping context output)

        match input, output with
        | Shape.Tokens _, Shape.Sequence width -> [ 4, (fun () -> Gen.constant (Layer.Embed width)) ]
        | Shape.Vector _, Shape.Vector width -> [ 4, (fun () -> linear width); 1, (fun () -> dense input output); keep ]
        | Shape.Sequence _, Shape.Sequence width -> [
            4, (fun () -> linear width)
            1, (fun () -> dense input output)
            2, (fun () -> Gen.constant (Layer.Gru width))
            keep
          ]
        | Shape.Image(channels, height, width), Shape.Image(channels', height', width') ->
            let way = window (height, width) (height', width')

            let unpadded =
                Shapes.windows (height, width) (height', width') |> List.filter (fun window -> window.Padding = 0)

            [
                4, (fun () -> way |> Gen.bind (conv channels'))
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
