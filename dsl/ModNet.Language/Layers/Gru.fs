namespace ModNet

/// Gated recurrent units.
[<AutoOpen>]
module GruLayer =

    /// x [T, in] → [T, hidden]: a gated recurrent unit; z, r = σ(W [h, x] + b), c = tanh(U [r⊙h, x] + d),
    /// h ← (1 − z)⊙h + z⊙c, from h = 0.
    /// Example: `gru 8`
    let gru (hidden: int) = Layer.Gru hidden

module internal Gru =

    let private infer (site: Site) hidden shape =
        let _, gives = site.Rules.Recurrent(site.Place, site.SequenceRemedy, shape)
        gives hidden

    let private cost _ (layer: PlannedLayer) (hidden: int) =
        Cost.affine (Counts.plus (ShapeRules.Values layer.Input) (int64 hidden)) (3L * int64 hidden) true

    let kind = {
        LayerKind.sized
            4
            "gru"
            ("hidden", "a width")
            (function
            | Layer.Gru hidden -> Some hidden
            | _ -> None)
            Layer.Gru
            infer with
            Cost = cost
            Simpler = fun hidden -> [ [ Layer.Linear(linear hidden) ] ]
    }
