namespace ModNet

/// What tells steps apart by their place.
[<AutoOpen>]
module PositionsLayer =

    /// x [T, in] → [T, in]: adds to every step of a window sines and cosines of its place, from 0 (Vaswani et al., Attention Is All You Need, section 3.5), for any T.
    /// They lie between −1 and 1, where `embed` begins with vectors of length about 0.6, so put a `linear` or a `layer_norm` between them.
    /// Example: `positions`
    let positions = Layer.Positions

    /// x [T, in] → [T, in], T ≤ steps: adds to every step of a window a learned vector for its place, from 0. Longer windows are refused.
    /// Example: `learned_positions 35`
    let learned_positions (steps: int) = Layer.LearnedPositions steps

module internal Positions =

    let private keeps (site: Site) shape =
        site.Rules.Sequence(site.Place, site.SequenceRemedy, shape) |> Option.map Shape.Sequence

    let kind = {
        LayerKind.plain 1 "positions" Layer.Positions with
            Infer = fun site () shape -> keeps site shape |> Inferred.output
    }

    let learned = {
        LayerKind.sized
            2
            "learned_positions"
            ("steps", "a number of steps")
            (function
            | Layer.LearnedPositions steps -> Some steps
            | _ -> None)
            Layer.LearnedPositions
            (fun site steps shape ->
                let output = keeps site shape
                if steps.IsSome then output else None) with
            Cost =
                fun _ layer steps -> {
                    Parameters = Counts.times (int64 steps) (ShapeRules.Values layer.Input)
                    Active = ShapeRules.Values layer.Input
                    MultiplyAdds = 0L
                }
            Simpler = fun _ -> [ [ Layer.Positions ] ]
    }
