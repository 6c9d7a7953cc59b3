namespace ModNet

/// A sequence of vectors as a network's input.
[<AutoOpen>]
module SequenceLayer =

    /// Input: a sequence of vectors [T, width]. The data decide T.
    /// Example: `sequence 3`
    let sequence (width: int) = Layer.Sequence width

module internal Sequence =

    let kind = {
        LayerKind.sized
            1
            "sequence"
            ("width", "a width")
            (function
            | Layer.Sequence width -> Some width
            | _ -> None)
            Layer.Sequence
            (fun _ width _ -> Option.map Shape.Sequence width) with
            Role = Role.Input
    }
