namespace ModNet.Pictures

/// Draws the points at which branches meet.
[<RequireQualifiedAccess>]
module internal Merges =

    /// The radius of the circle, which begins at the block's top.
    let radius = 11.0

    /// A circle on the axis, name and shape to its right.
    let ofCard (merge: MergeCard) : Block =
        // A word in place of a symbol stands in a pill.
        let half = if merge.Symbol.Length = 1 then radius else TextSize.width Face.Quiet merge.Symbol / 2.0 + 8.0

        let lines = [
            for line in TextSize.wrap Face.Quiet CardText.most merge.Name -> Face.Quiet, line
            for line in TextSize.wrap Face.Mono CardText.most merge.Output -> Face.Mono, line
        ]

        let side = lines |> List.map (fun (face, line) -> TextSize.width face line) |> List.max

        let centre = { X = half; Y = radius }
        // Two lines stand a little higher than the circle; more go on below it.
        let top = max (-2.0) (radius - 6.5 * float lines.Length)
        let height = max (2.0 * radius) (top + 13.0 * float lines.Length)

        let symbol =
            if merge.Symbol.Length = 1 then
                [ Mark.Circle(centre, merge.Symbol) ]
            else
                [
                    Mark.Box(0.0, centre.Y - radius, 2.0 * half, 2.0 * radius, radius, Ink.text, "")
                    Mark.Text(half, centre.Y + 4.0, Anchor.Middle, Face.Quiet, merge.Symbol)
                ]

        {
            Width = 2.0 * half + 8.0 + side
            Height = height
            Axis = half
            TakesArrow = true
            Marks = [
                if height > 2.0 * radius then Mark.flow false [ half, 2.0 * radius; half, height ]

                Mark.Thing(
                    "merge",
                    merge.Name,
                    symbol
                    @ (lines
                       |> List.mapi (fun index (face, line) ->
                           Mark.Text(2.0 * half + 8.0, top + 13.0 * float index + 10.5, Anchor.Start, face, line)))
                )
            ]
            Wires = []
        }
