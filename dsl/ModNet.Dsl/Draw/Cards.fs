namespace ModNet.Drawing

open ModNet.Figures

/// A line within a card.
[<RequireQualifiedAccess>]
type internal CardLine =
    | Said of Face * string
    /// The name to the left, the shape to the right.
    | Ends of name: string * shape: string
    | Controller of string
    /// M modules, the first of them drawn.
    | Modules of count: int

/// Layers and pools as cards of text.
[<RequireQualifiedAccess>]
module internal Cards =

    let private margin = 12.0
    let private least = 132.0
    /// Text that is wider goes on in another line.
    let private most = 300.0
    let private moduleWidth = 20.0
    let private moduleStep = 24.0

    let private height line =
        match line with
        | CardLine.Said(Face.Heading, _) -> 22.0
        | CardLine.Said(Face.Bold, _) -> 18.0
        | CardLine.Said(Face.Plain, _) -> 17.0
        | CardLine.Said _
        | CardLine.Ends _ -> 16.0
        | CardLine.Controller _ -> 25.0
        | CardLine.Modules _ -> 26.0

    /// The modules that are drawn, by number.
    let private drawn count =
        if count <= 8 then [ 1..count ] else [ 1..5 ]

    let private moduleRoom count =
        let label = $"… {count}"
        let boxes = float (drawn count).Length * moduleStep

        max moduleWidth (float (string<int> count).Length * 8.0) - moduleWidth
        + if count <= 8 then
              boxes
          else
              boxes + TextSize.width Face.Plain label

    let private room line =
        match line with
        | CardLine.Said(face, text) -> TextSize.width face text
        | CardLine.Ends(name, shape) -> TextSize.width Face.Quiet name + 16.0 + TextSize.width Face.Mono shape
        | CardLine.Controller text -> TextSize.width Face.Quiet text + 18.0
        | CardLine.Modules count -> moduleRoom count

    let private said face text =
        TextSize.wrap face most text |> List.map (fun line -> CardLine.Said(face, line))

    let private ends (name: string) (shape: string) =
        let names = TextSize.wrap Face.Quiet most name

        let before =
            names
            |> List.take (names.Length - 1)
            |> List.map (fun line -> CardLine.Ends(line, ""))

        let last = List.last names
        let together = CardLine.Ends(last, shape)

        if room together <= most then
            before @ [ together ]
        else
            before @ [ CardLine.Ends(last, ""); CardLine.Ends("", shape) ]

    let private controller text =
        match TextSize.wrap Face.Quiet (most - 18.0) text with
        | [ line ] -> [ CardLine.Controller line ]
        | lines -> lines |> List.map (fun line -> CardLine.Said(Face.Quiet, line))

    let private poolBody (pool: PoolCard) = [
        yield! pool.Unit |> List.collect (said Face.Plain)
        CardLine.Modules pool.Modules
        yield! pool.Init |> Option.toList |> List.collect (said Face.Quiet)
    ]

    let private ofLayer (layer: LayerCard) = [
        yield! said Face.Bold layer.Title

        match layer.Choice with
        | Some choice ->
            yield! said Face.Plain choice.Choose
            yield! controller choice.Controller
            yield! choice.Notes |> List.collect (said Face.Quiet)

            match choice.Pool with
            | PoolUse.Own pool -> yield! poolBody pool
            | PoolUse.Shared _ -> ()
        | None -> ()

        yield! ends layer.Name layer.Output
    ]

    let private ofPool (pool: PoolCard) = [
        yield! said Face.Bold $"pool {pool.Name}"
        yield! poolBody pool
        yield! pool.Signatures |> List.collect (said Face.Mono)

        let users =
            if pool.Users = 1 then
                "used by 1 layer"
            else
                $"shared by {pool.Users} layers"

        let steps = if pool.EveryStep then ", at every step" else ""
        yield! said Face.Quiet (users + steps)
    ]

    let private natural lines =
        max least (2.0 * margin + List.max (List.map room lines))

    let private total lines = 14.0 + List.sumBy height lines

    let private text x y face text =
        Mark.Text(x, y, Anchor.Start, face, text)

    let private modules colour y count =
        let box index number =
            let x = margin + float index * moduleStep
            let width = moduleWidth

            [
                Mark.Box(x, y + 3.0, width, 18.0, 4.0, colour, "")
                Mark.Text(x + width / 2.0, y + 15.5, Anchor.Middle, Face.Tiny, string<int> number)
            ]

        let shown = drawn count

        List.concat (List.mapi box shown)
        @ if count > 8 then
              [
                  text (margin + float shown.Length * moduleStep + 1.0) (y + 16.0) Face.Plain $"… {count}"
              ]
          else
              []

    let private mark colour width y line =
        match line with
        | CardLine.Said(face, said) -> [ text margin (y + height line - 4.5) face said ]
        | CardLine.Ends(name, shape) -> [
            if name <> "" then
                text margin (y + 11.5) Face.Quiet name
            if shape <> "" then
                Mark.Text(width - margin, y + 11.5, Anchor.End, Face.Mono, shape)
          ]
        | CardLine.Controller said -> [
            Mark.Box(margin, y + 2.0, room line, 19.0, 9.5, Palette.grey, "")
            text (margin + 9.0) (y + 15.5) Face.Quiet said
          ]
        | CardLine.Modules count -> modules colour y count

    /// Where each line begins.
    let private tops lines =
        lines |> List.scan (fun y line -> y + height line) 7.0

    let private draw kind name radius border tint width lines =
        let inside =
            List.zip lines (List.take lines.Length (tops lines))
            |> List.collect (fun (line, y) -> mark border width y line)

        Mark.Thing(kind, name, Mark.Box(0.0, 0.0, width, total lines, radius, border, tint) :: inside)

    let private middle (lines: CardLine list) matches =
        List.zip lines (List.take lines.Length (tops lines))
        |> List.tryFind (fst >> matches)
        |> Option.map (fun (line, y) -> y + height line / 2.0)
        |> Option.defaultValue (total lines / 2.0)

    let private isChoice line =
        match line with
        | CardLine.Said(Face.Plain, _) -> true
        | _ -> false

    let private isController line =
        match line with
        | CardLine.Controller _ -> true
        | _ -> false

    /// The arrow to a controller, from where a wire may turn.
    let private stub = 10.0

    /// The width that a layer's card takes by itself.
    let width (layer: LayerCard) = natural (ofLayer layer)

    /// A layer's card, of this width; `colour` is that of a pool by its name.
    let layer (colour: string -> string) width (layer: LayerCard) : Block =
        let lines = ofLayer layer

        let border, tint =
            match layer.Choice with
            | Some { Pool = PoolUse.Shared name } -> colour name, colour name
            | Some _ -> Ink.quiet, Ink.quiet
            | None when layer.IsEnd -> Ink.text, ""
            | None -> Ink.rule, Ink.rule

        let radius = if layer.IsEnd then 14.0 else 6.0

        {
            Width = width
            Height = total lines
            Axis = width / 2.0
            TakesArrow = true
            Marks = [
                draw "layer" layer.Name radius border tint width lines

                if layer.Choice |> Option.exists _.ReadsTask then
                    let y = middle lines isController
                    Mark.Line([ { X = -stub; Y = y }; { X = 0.0; Y = y } ], LineLook.TaskId, true)
            ]
            Wires = [
                match layer.Choice with
                | Some choice ->
                    match choice.Pool with
                    | PoolUse.Shared name ->
                        let y = middle lines isChoice

                        {
                            Side = Side.Right
                            Key = name
                            Look = LineLook.Wire(colour name)
                            End = { X = width; Y = y }
                        }
                    | PoolUse.Own _ -> ()

                    if choice.ReadsTask then
                        let y = middle lines isController

                        {
                            Side = Side.Left
                            Key = ""
                            Look = LineLook.TaskId
                            End = { X = -stub; Y = y }
                        }
                | None -> ()
            ]
        }

    /// A pool's card: its size and its mark.
    let pool (colour: string) (pool: PoolCard) : Point * Mark =
        let lines = ofPool pool
        let width = natural lines
        { X = width; Y = total lines }, draw "pool" pool.Name 6.0 colour colour width lines

    /// Where branches meet: a circle on the axis, name and shape to its right.
    let merge (merge: MergeCard) : Block =
        let radius = 11.0

        // A word in place of a symbol stands in a pill.
        let half =
            if merge.Symbol.Length = 1 then
                radius
            else
                TextSize.width Face.Quiet merge.Symbol / 2.0 + 8.0

        let lines = [
            for line in TextSize.wrap Face.Quiet most merge.Name -> Face.Quiet, line
            for line in TextSize.wrap Face.Mono most merge.Output -> Face.Mono, line
        ]

        let side =
            lines |> List.map (fun (face, line) -> TextSize.width face line) |> List.max

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
                if height > 2.0 * radius then
                    Mark.flow false [ half, 2.0 * radius; half, height ]

                Mark.Thing(
                    "merge",
                    merge.Name,
                    symbol
                    @ (lines
                       |> List.mapi (fun index (face, line) ->
                           text (2.0 * half + 8.0) (top + 13.0 * float index + 10.5) face line))
                )
            ]
            Wires = []
        }
