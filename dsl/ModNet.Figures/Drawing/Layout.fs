namespace ModNet.Pictures

open ModNet.Figures

/// A picture of a network with all places known; sizes are in pixels.
type internal Picture = { Title: string; Width: float; Height: float; Marks: Mark list }

/// Places everything: the layers in a column, the task id to its left, shared pools to its right.
[<RequireQualifiedAccess>]
module internal Layout =

    let private margin = 20.0
    /// Between the layers and what stands beside them.
    let private aside = 34.0
    let private betweenPools = 18.0

    let rec private blocks colour (sketches: Sketch list) : Block =
        let width =
            sketches
            |> List.choose (function
                | Sketch.Layer layer -> Some(Cards.width layer)
                | _ -> None)
            |> List.fold max 0.0

        sketches |> List.map (block colour width) |> Flow.stacked

    and private block colour width sketch =
        match sketch with
        | Sketch.Layer layer -> Cards.layer colour width layer
        | Sketch.Skip(inside, merge) -> Flow.skip (blocks colour inside) (Merges.ofCard merge)
        | Sketch.Branches(branches, merge) ->
            Branching.sideBySide (List.map (blocks colour) branches) (Merges.ofCard merge)
        | Sketch.Frame(title, inside) -> Flow.framed title (blocks colour inside)

    let private toSide side (block: Block) = block.Wires |> List.filter (fun wire -> wire.Side = side)

    /// The task id's card to the left of the input, and its way to the controllers.
    let private tasks (card: LayerCard option) (layers: Block) : Block * Mark list =
        match card with
        | None -> layers, []
        | Some card ->
            let width = Cards.width card
            let placed = Cards.layer (fun _ -> Ink.text) width card
            let moved = Block.moved (width + aside) 0.0 layers

            let wires =
                match toSide Side.Left moved with
                | [] -> []
                | reading ->
                    { X = placed.Axis; Y = placed.Height } :: List.map _.End reading
                    |> Bus.lines LineLook.TaskId placed.Axis

            { moved with Width = moved.Width + width + aside }, wires @ placed.Marks

    /// Where the wires of a pool meet its card: near their middle, and not on the way of another pool's.
    let private port (others: float list) (top: float) (height: float) (wanted: float) =
        let isFree y = others |> List.forall (fun other -> abs (other - y) >= 5.0)

        let low, high = top + 10.0, top + height - 10.0
        let wanted = min high (max low wanted)

        Seq.initInfinite (fun index -> float ((index + 1) / 2) * (if index % 2 = 0 then 3.0 else -3.0))
        |> Seq.map (fun offset -> wanted + offset)
        |> Seq.truncate 200
        |> Seq.tryFind (fun y -> y >= low && y <= high && isFree y)
        |> Option.defaultValue wanted

    /// The pools' cards in a column of their own, from `left` on, and the wires to them.
    let private pools (colour: string -> string) (cards: PoolCard list) (layers: Block) : float * float * Mark list =
        let wires = toSide Side.Right layers
        let column = layers.Width + aside + Bus.lane * float cards.Length

        let wired =
            cards
            |> List.mapi (fun index card ->
                let ends = wires |> List.filter (fun wire -> wire.Key = card.Name)
                let size, mark = Cards.pool (colour card.Name) card
                let wanted = ends |> List.averageBy _.End.Y
                index, card, ends, size, mark, wanted)

        let place (marks, bottom, right) (index, card: PoolCard, ends: Wire list, size: Point, mark, wanted) =
            let top = max bottom (wanted - size.Y / 2.0)

            let others = wires |> List.filter (fun wire -> wire.Key <> card.Name) |> List.map _.End.Y

            let y = port others top size.Y wanted
            let lane = layers.Width + aside / 2.0 + Bus.lane * float index
            let into = { X = column; Y = y }

            let lines = Bus.lines (LineLook.Wire(colour card.Name)) lane (into :: List.map _.End ends)

            marks @ lines @ [ Mark.moved column top mark; Mark.Dot(into, colour card.Name) ],
            top + size.Y + betweenPools,
            max right (column + size.X)

        let marks, bottom, right =
            wired |> List.sortBy (fun (_, _, _, _, _, wanted) -> wanted) |> List.fold place ([], 0.0, layers.Width)

        right, bottom - betweenPools, marks

    /// Puts lines below everything that has a name.
    let private inOrder marks =
        let lines, rest =
            marks
            |> List.partition (function
                | Mark.Line _ -> true
                | _ -> false)

        let frames, rest =
            rest
            |> List.partition (function
                | Mark.Thing("frame", _, _) -> true
                | _ -> false)

        frames @ lines @ rest

    let ofSketch (sketch: NetworkSketch) : Picture =
        let colour (name: string) = sketch.Pools |> List.findIndex (fun pool -> pool.Name = name) |> Palette.colour

        let layers, beside = blocks colour sketch.Layers |> tasks sketch.Tasks
        let right, bottom, pools = pools colour sketch.Pools layers

        let room = max 480.0 right

        let heading = [
            for line in TextSize.wrap Face.Heading room sketch.Name -> Face.Heading, 22.0, line
            for line in TextSize.wrap Face.Quiet room sketch.Cost -> Face.Quiet, 15.0, line
        ]

        let tops = heading |> List.scan (fun y (_, height, _) -> y + height) 0.0

        let words = heading |> List.map (fun (face, _, line) -> TextSize.width face line) |> List.max

        let headingHeight = List.last tops + 18.0

        let texts =
            List.map2
                (fun (face, height, line) top ->
                    Mark.Text(margin, margin + top + height - 6.0, Anchor.Start, face, line))
                heading
                (List.take heading.Length tops)

        {
            Title = sketch.Name
            Width = 2.0 * margin + max words right
            Height = 2.0 * margin + headingHeight + max layers.Height bottom
            Marks =
                texts
                @ (inOrder (layers.Marks @ beside @ pools) |> List.map (Mark.moved margin (margin + headingHeight)))
        }
