namespace ModNet

/// A vector as a network's input.
[<AutoOpen>]
module FeaturesLayer =

    /// Input: a vector [width].
    /// Example: `features 2`
    let features (width: int) = Layer.Features width

module internal Features =

    let kind = {
        LayerKind.sized
            1
            "features"
            ("width", "a width")
            (function
            | Layer.Features width -> Some width
            | _ -> None)
            Layer.Features
            (fun _ width _ -> Option.map Shape.Vector width) with
            Role = Role.Input
    }
