namespace ModNet

/// The shape of one datapoint between two layers. T is the number of steps, which the data decide.
[<RequireQualifiedAccess>]
type Shape =
    /// Token ids [T], each below the vocabulary size.
    | Tokens of vocabulary: int
    /// [width].
    | Vector of width: int
    /// [T, width].
    | Sequence of width: int

    /// `[T]`, `[2]` or `[T, 32]`.
    override shape.ToString() =
        match shape with
        | Tokens _ -> "[T]"
        | Vector width -> $"[{width}]"
        | Sequence width -> $"[T, {width}]"
