namespace ModNet

/// Transposed convolutions.
[<AutoOpen>]
module ConvTransposeLayer =

    /// x [in, H, W] → [channels, H', W'], with square kernels of this size, stride 1 and no padding: H' = H + kernel − 1, W'
    /// likewise; with `stride s` and `padding p` H' = (H − 1)·s − 2·p + kernel. As a linear map it is the transpose of the
    /// convolution of the same form: it makes larger what that one makes smaller. A layer, or the unit of a pool.
    /// Example: `conv_transpose 16 4 |> stride 2 |> padding 1 |> relu`
    let conv_transpose (channels: int) (kernel: int) : Transposed = Transposed(conv channels kernel)

module internal ConvTranspose =

    let private infer (site: Site) (conv: ConvSpec) shape =
        let before = site.Notes.Count
        let channels = site.Notes.Positive(site.Place + "/channels", "a number of channels", conv.Channels)
        site.Activation conv.Activation
        site.Rules.Window(site.Place, "kernel", conv.Kernel, conv.Stride, conv.Padding)
        let image = site.Rules.Image(site.Place, shape)

        match image, channels with
        | Some(_, height, width), Some channels when site.Notes.Count = before ->
            let out size = (int64<int> size - 1L) * int64 conv.Stride - 2L * int64 conv.Padding + int64 conv.Kernel

            if out (min height width) < 1L then
                site.Notes.Add(
                    Fault.PaddingOutOfRange,
                    $"{site.Place}/padding",
                    $"a padding that leaves something of {out height + 2L * int64 conv.Padding} × {out width + 2L * int64 conv.Padding} places",
                    string<int> conv.Padding,
                    "pad less, or make the kernel or the stride larger"
                )

                Inferred.output None
            else
                site.Notes.Countable(
                    site.Place,
                    "a number of values",
                    Counts.times (int64<int> channels) (Counts.times (out height) (out width))
                )
                |> Option.map (fun _ -> Shape.Image(channels, int (out height), int (out width)))
                |> Inferred.output
        | _ -> Inferred.output None

    /// Every value that comes in is multiplied by the whole kernel of every channel that goes out.
    let private cost _ (layer: PlannedLayer) (spec: ConvSpec) =
        let one = Cost.conv (Cost.channels layer.Input) spec.Channels spec.Kernel false (Cost.places layer.Input)

        if spec.Bias then Cost.add one (Cost.passed (int64 spec.Channels)) else one

    let kind = {
        LayerKind.body
            4
            "conv_transpose"
            (function
            | Layer.ConvTranspose spec -> Some spec
            | _ -> None)
            Layer.ConvTranspose
            (fun _ -> Conv.fields) with
            Describe = Conv.describe "conv_transpose"
            Infer = infer
            Cost = cost
            Simpler =
                fun spec -> [
                    [ Layer.Conv spec ]
                    [ Layer.ConvTranspose { spec with Stride = 1 } ]
                    [ Layer.ConvTranspose { spec with Padding = 0 } ]
                    [ Layer.ConvTranspose { spec with Activation = None; Bias = true } ]
                ]
    }
