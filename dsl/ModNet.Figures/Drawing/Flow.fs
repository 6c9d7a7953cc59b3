namespace ModNet.Pictures

/// Places layers below each other, and draws skip connections and frames around them.
[<RequireQualifiedAccess>]
module internal Flow =

    /// Between a layer and the next.
    let gap = 22.0

    let private skipRoom = 24.0
    let private framePadding = 14.0

    /// Blocks below each other on one axis.
    let stacked (blocks: Block list) : Block =
        match blocks with
        | [] -> Block.nothing
        | first :: _ ->
            let left, right = Block.reachOfAll blocks
            let tops = blocks |> List.scan (fun y block -> y + block.Height + gap) 0.0

            let placed =
                List.map2
                    (fun (block: Block) top -> Block.moved (left - block.Axis) top block)
                    blocks
                    (List.take blocks.Length tops)

            let arrows =
                List.map2
                    (fun (block: Block) top -> Mark.flow block.TakesArrow [ left, top - gap; left, top ])
                    blocks
                    (List.take blocks.Length tops)

            {
                Width = left + right
                Height = List.last tops - gap
                Axis = left
                TakesArrow = first.TakesArrow
                Marks = arrows.Tail @ List.collect _.Marks placed
                Wires = placed |> List.collect _.Wires
            }

    /// x + f(x): the line that enters branches, and one branch leads around the block to the sum.
    let skip (inside: Block) (merge: Block) : Block =
        let left, right = Block.reachOfAll [ inside; merge ]
        let axis = max (fst (Block.reach inside) + skipRoom) left
        let meeting = gap + inside.Height + gap
        let around = axis - inside.Axis - skipRoom + 8.0
        let middle = meeting + Merges.radius
        let placed = Block.moved (axis - inside.Axis) gap inside

        {
            Width = axis + right
            Height = meeting + merge.Height
            Axis = axis
            TakesArrow = false
            Marks =
                [
                    Mark.flow true [ axis, 6.0; around, 6.0; around, middle; axis - merge.Axis, middle ]
                    Mark.flow inside.TakesArrow [ axis, 0.0; axis, gap ]
                    Mark.flow true [ axis, meeting - gap; axis, meeting ]
                ]
                @ placed.Marks
                @ (Block.moved (axis - merge.Axis) meeting merge).Marks
            Wires = placed.Wires
        }

    /// A frame around rounds of a repetition, with its title.
    let framed (title: string) (inside: Block) : Block =
        let lines = TextSize.wrap Face.Bold 300.0 title
        let words = lines |> List.map (TextSize.width Face.Bold) |> List.max
        let titleHeight = 12.0 + 16.0 * float lines.Length
        let width = max (inside.Width + 2.0 * framePadding) (words + 2.0 * framePadding)
        let dx = (width - inside.Width) / 2.0
        let top = titleHeight + gap
        let height = top + inside.Height + framePadding
        let placed = Block.moved dx top inside
        let axis = placed.Axis

        {
            Width = width
            Height = height
            Axis = axis
            TakesArrow = true
            Marks =
                Mark.Thing(
                    "frame",
                    title,
                    Mark.Frame(0.0, 0.0, width, height)
                    :: (lines
                        |> List.mapi (fun index line ->
                            Mark.Text(framePadding, 20.0 + 16.0 * float index, Anchor.Start, Face.Bold, line)))
                )
                :: Mark.flow inside.TakesArrow [ axis, titleHeight; axis, top ]
                :: Mark.flow false [ axis, height - framePadding; axis, height ]
                :: placed.Marks
            Wires = placed.Wires
        }
