namespace ModNet

/// Token ids as a network's input.
[<AutoOpen>]
module TokensLayer =

    /// Input: token ids [T], each below `vocabulary`.
    /// Example: `tokens 10_000`
    let tokens (vocabulary: int) = Layer.Tokens vocabulary

module internal Tokens =

    let kind = {
        LayerKind.sized
            2
            "tokens"
            ("vocabulary", "a vocabulary")
            (function
            | Layer.Tokens size -> Some size
            | _ -> None)
            Layer.Tokens
            (fun _ size _ -> Option.map Shape.Tokens size) with
            Role = Role.Input
    }
