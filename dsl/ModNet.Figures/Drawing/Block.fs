namespace ModNet.Pictures

[<RequireQualifiedAccess>]
type internal Side =
    /// The task id stands there.
    | Left
    /// The pools stand there.
    | Right

/// A line that leaves a block: where it ends so far, and where it leads to.
type internal Wire = {
    Side: Side
    /// The pool that it leads to; empty for the task id.
    Key: string
    Look: LineLook
    End: Point
}

/// A part of the picture with all places known. Data enter at the top of its axis and leave at the bottom.
type internal Block = {
    Width: float
    Height: float
    Axis: float
    /// Whether the line that enters ends in an arrow. It does not where it first branches.
    TakesArrow: bool
    Marks: Mark list
    /// The lines that leave the block. Nothing in the block stands between a wire's end and the block's side.
    Wires: Wire list
}

[<RequireQualifiedAccess>]
module internal Block =

    /// How far it reaches to the left and right of its axis.
    let reach (block: Block) = block.Axis, block.Width - block.Axis

    /// How far blocks reach that stand above each other on one axis.
    let reachOfAll (blocks: Block list) =
        let reaches = List.map reach blocks
        reaches |> List.map fst |> List.max, reaches |> List.map snd |> List.max

    /// An empty block: x passes through unchanged.
    let nothing = { Width = 24.0; Height = 0.0; Axis = 12.0; TakesArrow = false; Marks = []; Wires = [] }

    let moved dx dy (block: Block) = {
        block with
            Axis = block.Axis + dx
            Marks = block.Marks |> List.map (Mark.moved dx dy)
            Wires =
                block.Wires |> List.map (fun wire -> { wire with End = { X = wire.End.X + dx; Y = wire.End.Y + dy } })
    }
