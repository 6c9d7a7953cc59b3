namespace ModNet.Pictures

open System
open System.Globalization
open System.Text
open ModNet.Figures

/// Pictures as SVG text. They use no ids, classes or styles, so that one page can hold any number of drawings, each on its own light ground.
[<RequireQualifiedAccess>]
module internal Svg =

    let private number (value: float) =
        let rounded = Math.Round(value, 2)
        rounded.ToString("0.##", CultureInfo.InvariantCulture)

    /// Whether XML can represent the character.
    let private isSayable (rune: Rune) =
        rune.Value = 9
        || (rune.Value >= 32 && rune.Value < 127)
        || (rune.Value > 159 && rune.Value <> 0xFFFE && rune.Value <> 0xFFFF)

    let private escape (text: string) =
        let escaped = StringBuilder()

        for rune in text.EnumerateRunes() do
            match rune.Value with
            | 38 -> escaped.Append "&amp;" |> ignore
            | 60 -> escaped.Append "&lt;" |> ignore
            | 62 -> escaped.Append "&gt;" |> ignore
            | 34 -> escaped.Append "&quot;" |> ignore
            | _ when isSayable rune -> escaped.Append(rune.ToString()) |> ignore
            | _ -> escaped.Append '\uFFFD' |> ignore

        string escaped

    let private attributes (pairs: (string * string) list) =
        pairs |> List.map (fun (name, value) -> $" {name}=\"{escape value}\"") |> String.concat ""

    let private element name pairs content = $"<{name}{attributes pairs}>{content}</{name}>"

    let private empty name pairs = $"<{name}{attributes pairs}/>"

    let private mono = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

    let private ofFace face = [
        "font-size", number (TextSize.ofFace face)
        match face with
        | Face.Heading
        | Face.Bold -> "font-weight", "600"
        | Face.Mono -> "font-family", mono
        | Face.Plain
        | Face.Quiet
        | Face.Tiny -> ()
        match face with
        | Face.Quiet -> "fill", Ink.quiet
        | _ -> ()
    ]

    let private ofAnchor anchor =
        match anchor with
        | Anchor.Start -> []
        | Anchor.Middle -> [ "text-anchor", "middle" ]
        | Anchor.End -> [ "text-anchor", "end" ]

    let private text (x, y, anchor, face, said: string) =
        element "text" ([ "x", number x; "y", number y ] @ ofAnchor anchor @ ofFace face) (escape said)

    let private ofLook look =
        match look with
        | LineLook.Flow -> [ "stroke", Ink.quiet; "stroke-width", "1.3" ]
        | LineLook.Wire colour -> [ "stroke", colour; "stroke-width", "1.5"; "stroke-dasharray", "2 3" ]
        | LineLook.TaskId -> [ "stroke", Ink.text; "stroke-width", "1.1"; "stroke-dasharray", "6 3" ]

    let private strokeOf look =
        match look with
        | LineLook.Flow -> Ink.quiet
        | LineLook.Wire colour -> colour
        | LineLook.TaskId -> Ink.text

    let private distance (a: Point) (b: Point) = abs (a.X - b.X) + abs (a.Y - b.Y)

    /// The point that lies `far` pixels from `a` towards `b`.
    let private towards (a: Point) (b: Point) far =
        let whole = distance a b

        { X = a.X + (b.X - a.X) * far / whole; Y = a.Y + (b.Y - a.Y) * far / whole }

    let private at (point: Point) = $"{number point.X} {number point.Y}"

    /// A line of straight pieces with rounded corners.
    let private path (points: Point list) =
        let corner (before, here, after) =
            let radius = List.min [ 7.0; distance before here / 2.0; distance here after / 2.0 ]
            $"L{at (towards here before radius)}Q{at here} {at (towards here after radius)}"

        let corners = points |> List.windowed 3 |> List.map (fun three -> corner (three[0], three[1], three[2]))

        $"M{at points.Head}" + String.concat "" corners + $"L{at (List.last points)}"

    let private arrowHead (before: Point) (tip: Point) colour =
        let length, half = 6.0, 3.2
        let back = towards tip before length

        let across = { X = (tip.Y - back.Y) / length * half; Y = (back.X - tip.X) / length * half }

        let corner sign = { X = back.X + sign * across.X; Y = back.Y + sign * across.Y }

        empty "path" [ "d", $"M{at tip}L{at (corner 1.0)}L{at (corner -1.0)}Z"; "fill", colour ]

    let private line (points: Point list) look arrow =
        // Pieces without length have no direction.
        let points =
            points.Head :: (points |> List.pairwise |> List.filter (fun (a, b) -> distance a b > 0.01) |> List.map snd)

        if points.Length < 2 then
            ""
        else
            let tip = List.last points
            let before = points[points.Length - 2]
            // A round end would show beyond the arrow's tip.
            let drawn = if arrow then List.take (points.Length - 1) points @ [ towards tip before 3.0 ] else points

            empty "path" ([ "d", path drawn; "fill", "none" ] @ ofLook look)
            + (if arrow then arrowHead before tip (strokeOf look) else "")

    let private rectangle (x, y, width, height) rest =
        empty "rect" ([ "x", number x; "y", number y; "width", number width; "height", number height ] @ rest)

    let rec private ofMark mark =
        match mark with
        | Mark.Box(x, y, width, height, radius, border, tint) ->
            let place = x, y, width, height
            let round = [ "rx", number radius ]

            rectangle place (round @ [ "fill", Ink.ground; "stroke", border; "stroke-width", "1.3" ])
            + (if tint = "" then "" else rectangle place (round @ [ "fill", tint; "fill-opacity", "0.09" ]))
        | Mark.Frame(x, y, width, height) ->
            rectangle (x, y, width, height) [
                "rx", "10"
                "fill", "none"
                "stroke", Ink.rule
                "stroke-width", "1.3"
                "stroke-dasharray", "5 4"
            ]
        | Mark.Text(x, y, anchor, face, said) -> text (x, y, anchor, face, said)
        | Mark.Line(points, look, arrow) -> line points look arrow
        | Mark.Dot(point, colour) ->
            empty "circle" [ "cx", number point.X; "cy", number point.Y; "r", "3"; "fill", colour ]
        | Mark.Circle(point, symbol) ->
            empty "circle" [
                "cx", number point.X
                "cy", number point.Y
                "r", "11"
                "fill", Ink.ground
                "stroke", Ink.text
                "stroke-width", "1.3"
            ]
            + text (point.X, point.Y + 5.0, Anchor.Middle, Face.Heading, symbol)
        | Mark.Thing(kind, name, marks) ->
            element
                "g"
                [ $"data-{kind}", name ]
                ("\n" + element "title" [] (escape name) + (marks |> List.map ofMark |> String.concat "\n"))

    let ofPicture (picture: Picture) : string =
        let width, height = number (ceil picture.Width), number (ceil picture.Height)

        let ground = rectangle (0.0, 0.0, ceil picture.Width, ceil picture.Height) [ "rx", "8"; "fill", Ink.ground ]

        let body = ground :: List.map ofMark picture.Marks |> List.filter ((<>) "") |> String.concat "\n"

        element
            "svg"
            [
                "xmlns", "http://www.w3.org/2000/svg"
                "width", width
                "height", height
                "viewBox", $"0 0 {width} {height}"
                "role", "img"
                "aria-label", $"The network {picture.Title}"
                "font-family", Palette.fonts
                "fill", Ink.text
            ]
            $"\n{body}\n"
        + "\n"
