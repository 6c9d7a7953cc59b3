namespace ModNet.Pictures

[<Struct>]
type internal Point = { X: float; Y: float }

/// Colours beyond the palette's.
[<RequireQualifiedAccess>]
module internal Ink =
    let ground = "#ffffff"
    let raised = "#f6f7f8"
    let text = "#1c1f23"
    let quiet = "#5c636b"
    let rule = "#c3c9cf"

[<RequireQualifiedAccess>]
type internal LineLook =
    /// Data that flow from layer to layer.
    | Flow
    /// From a layer to the pool that it chooses from.
    | Wire of colour: string
    /// From the task id to a controller.
    | TaskId

[<RequireQualifiedAccess>]
type internal Anchor =
    | Start
    | Middle
    | End

/// The smallest parts of a picture. Sizes are in pixels; y grows downwards.
[<RequireQualifiedAccess>]
type internal Mark =
    /// `tint` colours the ground of the box faintly; empty for no tint.
    | Box of x: float * y: float * width: float * height: float * radius: float * border: string * tint: string
    /// A dashed box around layers.
    | Frame of x: float * y: float * width: float * height: float
    /// `y` is the base line.
    | Text of x: float * y: float * Anchor * Face * text: string
    | Line of Point list * LineLook * arrow: bool
    | Dot of Point * colour: string
    /// A circle with a symbol in it.
    | Circle of Point * symbol: string
    /// Marks that are one thing: `kind` is layer, merge, frame or pool.
    | Thing of kind: string * name: string * Mark list

[<RequireQualifiedAccess>]
module internal Mark =

    let private movedPoint dx dy (point: Point) = { X = point.X + dx; Y = point.Y + dy }

    /// The mark, moved to the right and down.
    let rec moved dx dy mark =
        match mark with
        | Mark.Box(x, y, width, height, radius, border, tint) ->
            Mark.Box(x + dx, y + dy, width, height, radius, border, tint)
        | Mark.Frame(x, y, width, height) -> Mark.Frame(x + dx, y + dy, width, height)
        | Mark.Text(x, y, anchor, face, text) -> Mark.Text(x + dx, y + dy, anchor, face, text)
        | Mark.Line(points, look, arrow) -> Mark.Line(List.map (movedPoint dx dy) points, look, arrow)
        | Mark.Dot(point, colour) -> Mark.Dot(movedPoint dx dy point, colour)
        | Mark.Circle(point, symbol) -> Mark.Circle(movedPoint dx dy point, symbol)
        | Mark.Thing(kind, name, marks) -> Mark.Thing(kind, name, List.map (moved dx dy) marks)

    let flow arrow points = Mark.Line(points |> List.map (fun (x, y) -> { X = x; Y = y }), LineLook.Flow, arrow)
