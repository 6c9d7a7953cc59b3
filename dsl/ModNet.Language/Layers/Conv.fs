namespace ModNet

/// Convolutions.
[<AutoOpen>]
module ConvLayer =

    /// x [in, H, W] → W ∗ x + b [channels, H', W'], with square kernels of this size, stride 1 and no padding:
    /// H' = H − kernel + 1, W' likewise. A layer, or the unit of a pool.
    /// Example: `conv 16 3 |> same |> relu`
    let conv (channels: int) (kernel: int) : ConvSpec = {
        Channels = channels
        Kernel = kernel
        Stride = 1
        Padding = 0
        Bias = true
        Activation = None
    }

    /// The same convolution at every `step`-th place; a transposed one with its inputs `step` places apart: H' = ⌊(H + 2·padding − kernel) / step⌋ + 1.
    /// Example: `conv 16 3 |> stride 2`
    let inline stride (step: int) (conv: ^Conv) : ^Conv =
        (^Conv: (static member WithStride: ^Conv * int -> ^Conv) (conv, step))

    /// The same convolution with `zeros` rows and columns of zeros on every side, fewer than its kernel; a transposed one with as
    /// many rows and columns of its result left out on every side.
    /// Example: `conv 16 3 |> padding 1`
    let inline padding (zeros: int) (conv: ^Conv) : ^Conv =
        (^Conv: (static member WithPadding: ^Conv * int -> ^Conv) (conv, zeros))

    /// The same convolution with ⌊kernel / 2⌋ zeros on every side: at stride 1 an odd kernel keeps the image's size.
    /// Example: `conv 16 3 |> same`
    let inline same (conv: ^Conv) : ^Conv = (^Conv: (static member WithSame: ^Conv -> ^Conv) conv)

module internal Conv =

    let fields =
        Codec.fields {
            let! channels = Codec.field "channels" (fun (spec: ConvSpec) -> spec.Channels) Codec.int
            and! kernel = Codec.field "kernel" _.Kernel Codec.int
            and! stride = Codec.field "stride" _.Stride Codec.int
            and! padding = Codec.field "padding" _.Padding Codec.int
            and! bias = Codec.field "bias" _.Bias (Codec.plainly true Codec.bool)
            and! activation = Codec.field "activation" _.Activation (Codec.option Words.activation)

            return {
                Channels = channels
                Kernel = kernel
                Stride = stride
                Padding = padding
                Bias = bias
                Activation = activation
            }
        }

    /// As in a script, by its word.
    let describe word (conv: ConvSpec) =
        let stride = if conv.Stride = 1 then "" else $" |> stride {conv.Stride}"
        let padding = if conv.Padding = 0 then "" else $" |> padding {conv.Padding}"
        $"{word} {conv.Channels} {conv.Kernel}{stride}{padding}{Words.affine conv.Bias conv.Activation}"

    let private infer (site: Site) (conv: ConvSpec) shape =
        let channels = site.Notes.Positive(site.Place + "/channels", "a number of channels", conv.Channels)
        site.Activation conv.Activation

        site.Rules.Slide(site.Place, "kernel", conv.Kernel, conv.Stride, conv.Padding, Some channels, shape)
        |> Inferred.output

    let private cost _ (layer: PlannedLayer) (spec: ConvSpec) =
        Cost.conv (Cost.channels layer.Input) spec.Channels spec.Kernel spec.Bias (Cost.places layer.Output)

    let kind = {
        LayerKind.body
            3
            "conv"
            (function
            | Layer.Conv spec -> Some spec
            | _ -> None)
            Layer.Conv
            (fun _ -> fields) with
            Describe = describe "conv"
            Infer = infer
            Cost = cost
            Simpler =
                fun spec -> [
                    [ Layer.Conv { spec with Stride = 1 } ]
                    [ Layer.Conv { spec with Padding = 0 } ]
                    [ Layer.Conv { spec with Activation = None; Bias = true } ]
                ]
    }
