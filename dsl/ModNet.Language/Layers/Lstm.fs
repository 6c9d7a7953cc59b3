namespace ModNet

/// Long short-term memories.
[<AutoOpen>]
module LstmLayer =

    /// x [T, in] → [T, hidden]: a long short-term memory; i, f, g, o = W [h, x] + b, the cell c ← σ(f)⊙c + σ(i)⊙tanh(g), and
    /// h ← σ(o)⊙tanh(c), from h = 0 and c = 0.
    /// Example: `lstm 8`
    let lstm (hidden: int) = Layer.Lstm hidden

module internal Lstm =

    let private infer (site: Site) hidden shape =
        let _, gives = site.Rules.Recurrent(site.Place, site.SequenceRemedy, shape)
        gives hidden

    let private cost _ (layer: PlannedLayer) (hidden: int) =
        Cost.affine (Counts.plus (ShapeRules.Values layer.Input) (int64 hidden)) (4L * int64 hidden) true

    let kind = {
        LayerKind.sized
            5
            "lstm"
            ("hidden", "a width")
            (function
            | Layer.Lstm hidden -> Some hidden
            | _ -> None)
            Layer.Lstm
            infer with
            Cost = cost
            Simpler = fun hidden -> [ [ Layer.Gru hidden ] ]
    }
