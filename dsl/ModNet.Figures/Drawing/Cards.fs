namespace ModNet.Pictures

open ModNet.Figures

/// Layers and pools as cards of text.
[<RequireQualifiedAccess>]
module internal Cards =

    let private text x y face text = Mark.Text(x, y, Anchor.Start, face, text)

    let private modules colour y count =
        let box index number =
            let x = CardText.margin + float index * CardText.moduleStep
            let width = CardText.moduleWidth

            [
                Mark.Box(x, y + 3.0, width, 18.0, 4.0, colour, "")
                Mark.Text(x + width / 2.0, y + 15.5, Anchor.Middle, Face.Tiny, string<int> number)
            ]

        let shown = CardText.drawn count

        List.concat (List.mapi box shown)
        @ if count > 8 then
              [
                  text
                      (CardText.margin + float shown.Length * CardText.moduleStep + 1.0)
                      (y + 16.0)
                      Face.Plain
                      (CardText.rest count)
              ]
          else
              []

    let private mark colour width y line =
        match line with
        | CardLine.Said(face, said) -> [ text CardText.margin (y + CardText.height line - 4.5) face said ]
        | CardLine.Ends(name, shape) -> [
            if name <> "" then text CardText.margin (y + 11.5) Face.Quiet name
            if shape <> "" then Mark.Text(width - CardText.margin, y + 11.5, Anchor.End, Face.Mono, shape)
          ]
        | CardLine.Controller said -> [
            Mark.Box(CardText.margin, y + 2.0, CardText.room line, 19.0, 9.5, Palette.grey, "")
            text (CardText.margin + 9.0) (y + 15.5) Face.Quiet said
          ]
        | CardLine.Modules count -> modules colour y count

    let private draw kind name radius border tint width lines =
        let inside = List.zip lines (CardText.tops lines) |> List.collect (fun (line, y) -> mark border width y line)

        Mark.Thing(kind, name, Mark.Box(0.0, 0.0, width, CardText.total lines, radius, border, tint) :: inside)

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
    let width (layer: LayerCard) = CardText.natural (CardText.ofLayer layer)

    /// A layer's card, of this width; `colour` is that of a pool by its name.
    let layer (colour: string -> string) width (layer: LayerCard) : Block =
        let lines = CardText.ofLayer layer

        let border, tint =
            match layer.Choice with
            | Some { Pool = PoolUse.Shared name } -> colour name, colour name
            | Some _ -> Ink.quiet, Ink.quiet
            | None when layer.IsEnd -> Ink.text, ""
            | None -> Ink.rule, Ink.rule

        let radius = if layer.IsEnd then 14.0 else 6.0

        {
            Width = width
            Height = CardText.total lines
            Axis = width / 2.0
            TakesArrow = true
            Marks = [
                draw "layer" layer.Name radius border tint width lines

                if layer.Choice |> Option.exists _.ReadsTask then
                    let y = CardText.middle lines isController
                    Mark.Line([ { X = -stub; Y = y }; { X = 0.0; Y = y } ], LineLook.TaskId, true)
            ]
            Wires = [
                match layer.Choice with
                | Some choice ->
                    match choice.Pool with
                    | PoolUse.Shared name ->
                        let y = CardText.middle lines isChoice

                        { Side = Side.Right; Key = name; Look = LineLook.Wire(colour name); End = { X = width; Y = y } }
                    | PoolUse.Own _ -> ()

                    if choice.ReadsTask then
                        let y = CardText.middle lines isController

                        { Side = Side.Left; Key = ""; Look = LineLook.TaskId; End = { X = -stub; Y = y } }
                | None -> ()
            ]
        }

    /// A pool's card: its size and its mark.
    let pool (colour: string) (pool: PoolCard) : Point * Mark =
        let lines = CardText.ofPool pool
        let width = CardText.natural lines
        { X = width; Y = CardText.total lines }, draw "pool" pool.Name 6.0 colour colour width lines
