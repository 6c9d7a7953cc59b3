namespace ModNet

/// Linear maps.
[<AutoOpen>]
module LinearLayer =

    /// x [in] → W x + b [width]; on a sequence [T, in] → [T, width], step by step. A layer, or the unit of a pool.
    /// Example: `linear 8 |> relu`
    let linear (width: int) : LinearSpec = { Width = width; Bias = true; Activation = None }

    /// Linear maps to each width in turn, with ReLU between them: [in] → [last width]. A part of a network, or the unit of a
    /// pool.
    /// Example: `mlp [ 64; 8 ]`
    let mlp (widths: int list) =
        let last = widths.Length - 1

        Chain [
            for index, width in List.indexed widths ->
                Layer.Linear(if index < last then { linear width with Activation = Some Relu } else linear width)
        ]

module internal Linear =

    let private fields =
        Codec.fields {
            let! width = Codec.field "width" (fun (spec: LinearSpec) -> spec.Width) Codec.int
            and! bias = Codec.field "bias" _.Bias (Codec.plainly true Codec.bool)
            and! activation = Codec.field "activation" _.Activation (Codec.option Words.activation)
            return { LinearSpec.Width = width; Bias = bias; Activation = activation }
        }

    let private infer (site: Site) (spec: LinearSpec) shape =
        let width = site.Notes.Positive(site.Place + "/width", "a width", spec.Width)
        site.Activation spec.Activation
        site.Rules.EachStep(site.Place, shape, width) |> Inferred.output

    let kind = {
        LayerKind.body
            2
            "linear"
            (function
            | Layer.Linear spec -> Some spec
            | _ -> None)
            Layer.Linear
            (fun _ -> fields) with
            Describe = fun spec -> $"linear {spec.Width}{Words.affine spec.Bias spec.Activation}"
            Infer = infer
            Cost = fun _ layer spec -> Cost.affine (ShapeRules.Values layer.Input) (int64 spec.Width) spec.Bias
            Simpler =
                fun spec ->
                    if spec.Activation.IsSome || not spec.Bias then [ [ Layer.Linear(linear spec.Width) ] ] else []
    }
