namespace ModNet.Pictures

[<RequireQualifiedAccess>]
type internal Side =
    /// Where the task id is.
    | Left
    /// Where the pools are.
    | Right

/// A line on its way out of a block, so far as it has come.
type internal Wire = {
    Side: Side
    /// The pool that it leads to; empty for the task id.
    Key: string
    Look: LineLook
    End: Point
}

/// A part of the picture, laid out: what flows enters at the top of its axis and leaves at the bottom.
type internal Block = {
    Width: float
    Height: float
    Axis: float
    /// Whether what enters ends in an arrow: not where it parts first.
    TakesArrow: bool
    Marks: Mark list
    /// To the left and right of a wire's end the block is free.
    Wires: Wire list
}

[<RequireQualifiedAccess>]
module internal Block =

    /// How far it reaches to the left and right of its axis.
    let reach (block: Block) = block.Axis, block.Width - block.Axis

    /// One above the other on one axis: how far they reach.
    let reachOfAll (blocks: Block list) =
        let reaches = List.map reach blocks
        reaches |> List.map fst |> List.max, reaches |> List.map snd |> List.max

    /// Nothing, where x itself passes through.
    let nothing = { Width = 24.0; Height = 0.0; Axis = 12.0; TakesArrow = false; Marks = []; Wires = [] }

    let moved dx dy (block: Block) = {
        block with
            Axis = block.Axis + dx
            Marks = block.Marks |> List.map (Mark.moved dx dy)
            Wires =
                block.Wires |> List.map (fun wire -> { wire with End = { X = wire.End.X + dx; Y = wire.End.Y + dy } })
    }
