namespace ModNet.Pictures

/// A line within a card.
[<RequireQualifiedAccess>]
type internal CardLine =
    | Said of Face * string
    /// The name to the left, the shape to the right.
    | Ends of name: string * shape: string
    | Controller of string
    /// M modules, the first of them drawn.
    | Modules of count: int

/// The text on the cards of layers and pools, and the room that it takes.
[<RequireQualifiedAccess>]
module internal CardText =

    let margin = 12.0
    let private least = 132.0
    /// Text that is wider goes on in another line.
    let most = 300.0
    let moduleWidth = 20.0
    let moduleStep = 24.0

    /// The height of one line, in pixels.
    let height line =
        match line with
        | CardLine.Said(Face.Heading, _) -> 22.0
        | CardLine.Said(Face.Bold, _) -> 18.0
        | CardLine.Said(Face.Plain, _) -> 17.0
        | CardLine.Said _
        | CardLine.Ends _ -> 16.0
        | CardLine.Controller _ -> 25.0
        | CardLine.Modules _ -> 26.0

    /// The modules that are drawn, by number; modules count from 0, as everywhere.
    let drawn count = if count <= 8 then [ 0 .. count - 1 ] else [ 0..4 ]

    /// What follows them where they are not all: the last one's number.
    let rest count = $"… {count - 1}"

    let private moduleRoom count =
        let boxes = float (drawn count).Length * moduleStep

        if count <= 8 then boxes else boxes + TextSize.width Face.Plain (rest count)

    let room line =
        match line with
        | CardLine.Said(face, text) -> TextSize.width face text
        | CardLine.Ends(name, shape) -> TextSize.width Face.Quiet name + 16.0 + TextSize.width Face.Mono shape
        | CardLine.Controller text -> TextSize.width Face.Quiet text + 18.0
        | CardLine.Modules count -> moduleRoom count

    let private said face text = TextSize.wrap face most text |> List.map (fun line -> CardLine.Said(face, line))

    let private ends (name: string) (shape: string) =
        let names = TextSize.wrap Face.Quiet most name

        let before = names |> List.take (names.Length - 1) |> List.map (fun line -> CardLine.Ends(line, ""))

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

    let ofLayer (layer: LayerCard) = [
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

    let ofPool (pool: PoolCard) = [
        yield! said Face.Bold $"pool {pool.Name}"
        yield! poolBody pool
        yield! pool.Signatures |> List.collect (said Face.Mono)

        yield! said Face.Quiet pool.Uses
    ]

    /// The width that the lines take by themselves.
    let natural lines = max least (2.0 * margin + List.max (List.map room lines))

    let total lines = 14.0 + List.sumBy height lines

    /// Where each line begins.
    let tops (lines: CardLine list) = lines |> List.scan (fun y line -> y + height line) 7.0 |> List.take lines.Length

    /// The middle of the first line that matches, or of the whole card where none does.
    let middle (lines: CardLine list) (matches: CardLine -> bool) =
        List.zip lines (tops lines)
        |> List.tryFind (fst >> matches)
        |> Option.map (fun (line, y) -> y + height line / 2.0)
        |> Option.defaultValue (total lines / 2.0)
