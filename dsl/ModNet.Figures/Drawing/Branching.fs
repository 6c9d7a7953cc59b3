namespace ModNet.Pictures

/// Layers side by side. Wires of an inner branch cross no card: they go up between the branches, and out above them.
[<RequireQualifiedAccess>]
module internal Branching =

    let private between = 26.0
    let private parting = 10.0

    let private keys side (block: Block) =
        block.Wires |> List.filter (fun wire -> wire.Side = side) |> List.map _.Key |> List.distinct

    /// Wires of inner branches, by branch, side and key, in the order of their lanes from the top: so that a wire on its way
    /// out meets none on its way up.
    let private inner (columns: Block list) =
        let last = columns.Length - 1

        [
            for index in 0 .. last - 1 do
                for key in keys Side.Right columns[index] do
                    index, Side.Right, key
            for index in last .. -1 .. 1 do
                for key in keys Side.Left columns[index] do
                    index, Side.Left, key
        ]

    /// In which gutter the wire goes up: gutter i is to the right of branch i.
    let private gutter (index, side, _) = if side = Side.Right then index else index - 1

    let sideBySide (columns: Block list) (merge: Block) : Block =
        let inner = inner columns

        let ofGutter index = inner |> List.filter (fun wire -> gutter wire = index)

        let lefts =
            columns
            |> List.indexed
            |> List.scan
                (fun x (index, column) -> x + column.Width + between + Bus.lane * float (List.length (ofGutter index)))
                0.0
            |> List.take columns.Length

        let laneOf wire = parting + Bus.lane * float (1 + List.findIndex ((=) wire) inner)

        let top = parting + Bus.lane * float inner.Length + Flow.gap

        let placed = List.map2 (fun column left -> Block.moved left top column) columns lefts

        let bottom = placed |> List.map (fun column -> top + column.Height) |> List.max
        let joining = bottom + 14.0
        let meeting = joining + 18.0
        // Over the middle branch, or between the two.
        let middle = placed.Length / 2

        let axis =
            if placed.Length % 2 = 1 then placed[middle].Axis else (placed[middle - 1].Axis + placed[middle].Axis) / 2.0

        let flows =
            placed
            |> List.collect (fun column -> [
                Mark.flow column.TakesArrow [ axis, 0.0; axis, parting; column.Axis, parting; column.Axis, top ]
                Mark.flow true [ column.Axis, top + column.Height; column.Axis, joining; axis, joining; axis, meeting ]
            ])

        /// The bus of a wire between the branches.
        let busOf (index, side, key) =
            let here = gutter (index, side, key)
            let position = ofGutter here |> List.findIndex ((=) (index, side, key))
            let column = columns[here]
            lefts[here] + column.Width + between / 2.0 + Bus.lane * float position

        let isInner (index, wire: Wire) = List.contains (index, wire.Side, wire.Key) inner

        let wires =
            List.indexed placed
            |> List.collect (fun (index, column) -> column.Wires |> List.map (fun wire -> index, wire))

        // One way out for all wires of a branch to one pool.
        let buses =
            inner
            |> List.map (fun ((index, side, key) as this) ->
                let x = busOf this

                let joined =
                    wires
                    |> List.filter (fun (here, wire) -> here = index && wire.Side = side && wire.Key = key)
                    |> List.map snd

                let out = { joined.Head with End = { X = x; Y = laneOf this } }

                out, Bus.lines out.Look x (out.End :: List.map _.End joined))

        let right = List.max [ List.last lefts + (List.last columns).Width; axis + merge.Width - merge.Axis ]

        let dx = max 0.0 (merge.Axis - axis)

        Block.moved dx 0.0 {
            Width = dx + right
            Height = meeting + merge.Height
            Axis = axis
            TakesArrow = false
            Marks =
                flows
                @ List.collect snd buses
                @ List.collect _.Marks placed
                @ (Block.moved (axis - merge.Axis) meeting merge).Marks
            Wires = List.map fst buses @ (wires |> List.filter (isInner >> not) |> List.map snd)
        }
