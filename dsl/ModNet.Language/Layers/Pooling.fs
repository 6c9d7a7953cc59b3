namespace ModNet

/// Pooling over windows of an image.
[<AutoOpen>]
module PoolingLayers =

    /// The greatest value of every window × window places, side by side: [C, H, W] → [C, ⌊H / window⌋, ⌊W / window⌋].
    /// Example: `max_pool 2`
    let max_pool (window: int) = Layer.MaxPool { Window = window; Stride = window }

    /// The mean of every window × window places, side by side: [C, H, W] → [C, ⌊H / window⌋, ⌊W / window⌋].
    /// Example: `avg_pool 2`
    let avg_pool (window: int) = Layer.AvgPool { Window = window; Stride = window }

module internal Pooling =

    let private fields =
        Codec.fields {
            let! window = Codec.field "window" (fun (spec: PoolingSpec) -> spec.Window) Codec.int
            and! stride = Codec.field "stride" _.Stride Codec.int
            return { PoolingSpec.Window = window; Stride = stride }
        }

    let private infer (site: Site) (spec: PoolingSpec) shape =
        // Unless said the stride is the window, and its fault the same one.
        let stride = if spec.Stride = spec.Window then max 1 spec.Stride else spec.Stride
        site.Rules.Slide(site.Place, "window", spec.Window, stride, 0, None, shape) |> Inferred.output

    let private kind weight word get make = {
        LayerKind.body weight word get make (fun _ -> fields) with
            Describe = fun spec -> $"{word} {spec.Window}"
            Infer = infer
    }

    let max = {
        kind
            3
            "max_pool"
            (function
            | Layer.MaxPool spec -> Some spec
            | _ -> None)
            Layer.MaxPool with
            Simpler = fun spec -> [ [ Layer.AvgPool spec ] ]
    }

    let average =
        kind
            2
            "avg_pool"
            (function
            | Layer.AvgPool spec -> Some spec
            | _ -> None)
            Layer.AvgPool
