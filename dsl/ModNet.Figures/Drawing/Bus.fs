namespace ModNet.Pictures

/// Joins lines that lead to one place.
[<RequireQualifiedAccess>]
module internal Bus =

    /// Pixels between lines that run beside each other.
    let lane = 9.0

    let private colour look =
        match look with
        | LineLook.Flow -> Ink.quiet
        | LineLook.Wire colour -> colour
        | LineLook.TaskId -> Ink.text

    /// Straight lines from all the points to the vertical at x, and along it from the highest to the lowest: each piece once,
    /// so that dashes stay dashes. Dots where three pieces meet.
    let lines look (x: float) (points: Point list) : Mark list =
        let stub (point: Point) = { X = x; Y = point.Y }

        let rows = points |> List.groupBy _.Y |> List.sortBy fst |> List.map snd

        // The highest and the lowest go around their corner, where they have one.
        let bent (row: Point list) (next: Point list) =
            match row with
            | [ point ] when abs (point.X - x) > 0.01 ->
                Mark.Line([ point; stub point; stub next.Head ], look, false), []
            | row ->
                Mark.Line([ stub row.Head; stub next.Head ], look, false),
                row |> List.filter (fun point -> abs (point.X - x) > 0.01)

        let straight (point: Point) = [
            Mark.Line([ point; stub point ], look, false)
            Mark.Dot(stub point, colour look)
        ]

        match rows with
        | [] -> []
        | [ row ] -> row |> List.map (fun point -> Mark.Line([ point; stub point ], look, false))
        | [ first; last ] when first.Length = 1 && last.Length = 1 -> [
            Mark.Line([ first.Head; stub first.Head; stub last.Head; last.Head ], look, false)
          ]
        | rows ->
            let last = rows.Length - 1
            let top, above = bent rows[0] rows[1]
            let bottom, below = bent rows[last] rows[last - 1]

            let between =
                rows[1 .. last - 1]
                |> List.pairwise
                |> List.map (fun (one, next) -> Mark.Line([ stub one.Head; stub next.Head ], look, false))

            [
                top
                if rows.Length > 2 then bottom
                yield! between
                yield! above @ below @ List.concat rows[1 .. last - 1] |> List.collect straight
            ]
