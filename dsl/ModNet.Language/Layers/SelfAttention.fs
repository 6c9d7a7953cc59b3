namespace ModNet

open System.ComponentModel

/// Sets self-attention's fields; made by `self_attention`.
[<Sealed>]
type SelfAttentionBuilder internal () =
    inherit SettingsBlock<SelfAttentionSpec>({ Heads = 1; Causal = true })

    /// H, how many means of the steps are taken side by side, each over in / H features, ≥ 1; 1 unless said. It divides the layer's width.
    /// Example: `heads 4`
    [<CustomOperation "heads">]
    member _.Heads(spec: SelfAttentionSpec, count: int) = { spec with Heads = count }

    /// Whether a step sees itself and the steps before it alone; true unless said. On a text it must be, because the next token is what each step is to predict.
    /// Example: `causal false`
    [<CustomOperation "causal">]
    member _.Causal(spec: SelfAttentionSpec, only: bool) = { spec with Causal = only }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(spec: SelfAttentionSpec) = Layer.SelfAttention spec

/// Attention of a sequence's steps to each other.
[<AutoOpen>]
module SelfAttentionLayer =

    /// x [T, in] → [T, in]: every step takes the mean of a linear map of the steps that it sees, weighted by softmax(q·k / √(in / H)), for each of H heads; a linear map of what the
    /// heads give follows (Vaswani et al., Attention Is All You Need, section 3.2). It knows nothing of the order of steps: put `positions` or `learned_positions` before it.
    /// A summary counts the linear maps, 4·in² multiply-adds a step; the products q·k and the means are 2·T·in more, T the steps of the data. Settings: `heads`, `causal`.
    /// Example: `self_attention { heads 2 }`
    let self_attention = SelfAttentionBuilder()

module internal SelfAttention =

    let private fields =
        Codec.fields {
            let! heads = Codec.field "heads" (fun (spec: SelfAttentionSpec) -> spec.Heads) Codec.int
            and! causal = Codec.field "causal" _.Causal Codec.bool
            return { SelfAttentionSpec.Heads = heads; Causal = causal }
        }

    let private describe (spec: SelfAttentionSpec) =
        let causal = if spec.Causal then "" else "; causal false"
        $"self_attention {{ heads {spec.Heads}{causal} }}"

    let private infer (site: Site) (spec: SelfAttentionSpec) shape =
        let heads = site.Notes.Positive($"{site.Place}/heads", "a number of heads", spec.Heads)

        match site.Rules.Sequence(site.Place, site.SequenceRemedy, shape), heads with
        | Some width, Some heads when width % heads <> 0 ->
            site.Notes.Add(
                Fault.HeadsUnfit,
                $"{site.Place}/heads",
                $"a number that divides the width {width}",
                string<int> heads,
                "give as many heads as leave each the same number of features"
            )

            Inferred.output None
        | Some width, Some _ -> Inferred.output (Some(Shape.Sequence width))
        | _ -> Inferred.output None

    let private cost _ (layer: PlannedLayer) _ =
        let width = ShapeRules.Values layer.Input
        Cost.add (Cost.affine width (Counts.times 3L width) true) (Cost.affine width width true)

    let kind = {
        LayerKind.body
            4
            "self_attention"
            (function
            | Layer.SelfAttention spec -> Some spec
            | _ -> None)
            Layer.SelfAttention
            (fun _ -> fields) with
            Describe = describe
            Infer = infer
            Cost = cost
            Simpler =
                fun spec -> [
                    [ Layer.Positions ]
                    [ Layer.SelfAttention { Heads = 1; Causal = true } ]
                    [ Layer.SelfAttention { spec with Heads = 1 } ]
                ]
    }
