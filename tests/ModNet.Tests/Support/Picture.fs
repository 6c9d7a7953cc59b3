/// A drawing, read back from its SVG.
module ModNet.Tests.Picture

open System.Globalization
open System.Text.RegularExpressions
open System.Xml.Linq

type Box = {
    X: float
    Y: float
    Width: float
    Height: float
} with

    member box.Right = box.X + box.Width
    member box.Bottom = box.Y + box.Height

type Label = { At: float * float; Size: float; Anchor: string; Text: string }

/// What has a name in a drawing.
type Thing = {
    Kind: string
    Name: string
    /// A merge has a circle or a pill; its box is that of the symbol.
    Box: Box
    Labels: Label list
}

type Picture = {
    Whole: Box
    Things: Thing list
    /// Texts of things and others.
    Labels: Label list
    /// The points of the lines with this look, line by line.
    Lines: (string * (float * float) list) list
}

/// Lines from layers to pools, and from the task id to controllers.
let toPool, ofTaskId = "2 3", "6 3"

let private number (text: string) = System.Double.Parse(text, CultureInfo.InvariantCulture)

let private value name (element: XElement) =
    match element.Attribute(XName.Get name) with
    | null -> None
    | attribute -> Some attribute.Value

let private real name (element: XElement) = (value name element).Value |> number

let private named name (element: XElement) =
    element.Descendants() |> Seq.filter (fun inner -> inner.Name.LocalName = name) |> Seq.toList

let private box (rectangle: XElement) = {
    X = real "x" rectangle
    Y = real "y" rectangle
    Width = real "width" rectangle
    Height = real "height" rectangle
}

let private circle (circle: XElement) = {
    X = real "cx" circle - real "r" circle
    Y = real "cy" circle - real "r" circle
    Width = 2.0 * real "r" circle
    Height = 2.0 * real "r" circle
}

let private label (text: XElement) = {
    At = real "x" text, real "y" text
    Size = real "font-size" text
    Anchor = value "text-anchor" text |> Option.defaultValue "start"
    Text = text.Value
}

let private thing (group: XElement) =
    let attribute = group.Attributes() |> Seq.find (fun attribute -> attribute.Name.LocalName.StartsWith "data-")

    {
        Kind = attribute.Name.LocalName.Substring 5
        Name = attribute.Value
        Box =
            match named "rect" group with
            | first :: _ -> box first
            | [] -> named "circle" group |> List.head |> circle
        Labels = named "text" group |> List.map label
    }

let private points (path: XElement) =
    Regex.Matches((value "d" path).Value, @"[MLQ ]?(-?[\d.]+) (-?[\d.]+)")
    |> Seq.map (fun point -> number point.Groups[1].Value, number point.Groups[2].Value)
    |> Seq.toList

/// Raises XmlException for what is not well-formed.
let read (svg: string) : Picture =
    let root = XDocument.Parse(svg).Root

    {
        Whole = { X = 0.0; Y = 0.0; Width = real "width" root; Height = real "height" root }
        Things = named "g" root |> List.map thing
        Labels = named "text" root |> List.map label
        Lines =
            named "path" root
            |> List.choose (fun path -> value "stroke-dasharray" path |> Option.map (fun dashes -> dashes, points path))
    }

let ofKind kind (picture: Picture) = picture.Things |> List.filter (fun thing -> thing.Kind = kind)

/// Whether two boxes share more than their edges.
let overlap (one: Box) (other: Box) =
    one.X < other.Right && other.X < one.Right && one.Y < other.Bottom && other.Y < one.Bottom

let contains (outer: Box) (inner: Box) =
    outer.X <= inner.X && outer.Y <= inner.Y && inner.Right <= outer.Right && inner.Bottom <= outer.Bottom

/// The names of cards that a dashed line runs through.
let crossed (picture: Picture) : string list =
    let cards = ofKind "layer" picture @ ofKind "merge" picture @ ofKind "pool" picture

    [
        for _, points in picture.Lines do
            for (x1, y1), (x2, y2) in List.pairwise points do
                let piece = { X = min x1 x2; Y = min y1 y2; Width = abs (x1 - x2); Height = abs (y1 - y2) }

                for card in cards do
                    // Lines end at a card's edge.
                    let inside = {
                        X = card.Box.X + 1.0
                        Y = card.Box.Y + 1.0
                        Width = card.Box.Width - 2.0
                        Height = card.Box.Height - 2.0
                    }

                    if overlap piece inside then card.Name
    ]
