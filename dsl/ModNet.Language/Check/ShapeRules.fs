namespace ModNet

/// What layers ask of their input's shape and make of it. `place` is the layer's; a shape that is not known stays so.
type internal ShapeRules(notes: Notes) =

    /// As in messages, where `[T]` alone would not tell one vocabulary from another.
    static member Describe shape =
        match shape with
        | Shape.Tokens vocabulary -> $"token ids [T] below {vocabulary}"
        | other -> string other

    /// The shape, unless it is tokens where numbers are wanted.
    member _.Numbers(place, wanted, shape) =
        match shape with
        | Some(Shape.Tokens _) ->
            notes.Add(
                Fault.TokensWithoutEmbed,
                place,
                wanted,
                "token ids [T]",
                "put `embed` between the tokens and this layer"
            )

            None
        | _ -> shape

    /// The width of the one vector that is wanted; `sequences` says what to do with a sequence.
    member rules.Vector(place, sequences, shape) =
        let wanted = "one vector [n] per datapoint"

        match rules.Numbers(place, wanted, shape) with
        | Some(Shape.Vector width) -> Some width
        | Some(Shape.Image _ as shape) ->
            notes.Add(Fault.VectorExpected, place, wanted, $"an image {shape}", "put `flatten` before it")
            None
        | Some shape ->
            notes.Add(Fault.VectorExpected, place, wanted, string shape, sequences)
            None
        | None -> None

    member rules.Sequence(place, remedy, shape) =
        let wanted = "a sequence [T, n]"

        match rules.Numbers(place, wanted, shape) with
        | Some(Shape.Sequence width) -> Some width
        | Some shape ->
            notes.Add(Fault.SequenceExpected, place, wanted, string shape, remedy)
            None
        | None -> None

    /// What a recurrent layer reads, and what it gives where its state is so wide.
    member rules.Recurrent(place, remedy, shape) =
        let input = rules.Sequence(place, remedy, shape)
        let isMisplaced = Option.isSome shape && Option.isNone input

        let gives hidden = if isMisplaced then None else Option.map Shape.Sequence hidden

        input, gives

    member _.Image(place, shape) =
        match shape with
        | Some(Shape.Image(channels, height, width)) -> Some(channels, height, width)
        | Some shape ->
            notes.Add(
                Fault.ImageExpected,
                place,
                "an image [C, H, W]",
                ShapeRules.Describe shape,
                "begin the network with `image`, and put `flatten` after the last layer that reads images"
            )

            None
        | None -> None

    /// A layer that acts on a vector, or on a sequence step by step: its output where it is `width` wide.
    member rules.EachStep(place, shape, width) =
        let wanted = "a vector [n] or a sequence [T, n]"

        match rules.Numbers(place, wanted, shape), width with
        | Some(Shape.Image _ as shape), _ ->
            notes.Add(Fault.VectorExpected, place, wanted, $"an image {shape}", "put `flatten` before it")
            None
        | Some(Shape.Sequence _), Some width -> Some(Shape.Sequence width)
        | Some(Shape.Vector _), Some width -> Some(Shape.Vector width)
        | _ -> None

    /// Notes what cannot be the size of a square window over an image, its stride or its padding.
    member _.Window(place, setting, window, stride, padding) =
        notes.Positive(place + "/" + setting, "a size", window) |> ignore

        if stride < 1 then
            notes.Add(
                Fault.StrideOutOfRange,
                $"{place}/stride",
                "a stride ≥ 1",
                string<int> stride,
                "make it 1 or more"
            )

        if window >= 1 && (padding < 0 || padding >= window) then
            notes.Add(
                Fault.PaddingOutOfRange,
                $"{place}/padding",
                $"0 ≤ padding < {window}, the {setting}'s size",
                string<int> padding,
                "say `same`, or a padding below the kernel's size"
            )

    /// What a square window gives that slides over an image: [channels, H', W'].
    member rules.Slide(place, setting, window, stride, padding, channels, shape) =
        let before = notes.Count
        rules.Window(place, setting, window, stride, padding)
        let image = rules.Image(place, shape)

        if notes.Count > before then
            None
        else
            match image, channels with
            | Some(own, height, width), channels ->
                let out size = (int64 size + 2L * int64 padding - int64 window) / int64 stride + 1L

                if int64 window > int64 (min height width) + 2L * int64 padding then
                    let padded = if padding = 0 then "" else $" with {padding} zeros on every side"

                    notes.Add(
                        Fault.KernelAboveImage,
                        $"{place}/{setting}",
                        $"a {setting} that fits into {height} × {width}{padded}",
                        $"{window} × {window}",
                        $"make the {setting} smaller, or put fewer strides and pooling layers before it"
                    )

                    None
                else
                    match defaultArg channels (Some own) with
                    | Some channels ->
                        notes.Countable(
                            place,
                            "a number of values",
                            Counts.times (int64 channels) (Counts.times (out height) (out width))
                        )
                        |> Option.map (fun _ -> Shape.Image(channels, int (out height), int (out width)))
                    | None -> None
            | None, _ -> None

    /// Whether all sizes are positive.
    static member IsSound shape =
        match shape with
        | Shape.Tokens size
        | Shape.Vector size
        | Shape.Sequence size -> size >= 1
        | Shape.Image(channels, height, width) -> channels >= 1 && height >= 1 && width >= 1

    /// The number of values of one row: of a vector, an image, or a step of a sequence.
    static member Values shape =
        match shape with
        | Shape.Tokens _ -> 1L
        | Shape.Vector width
        | Shape.Sequence width -> int64 width
        | Shape.Image(channels, height, width) -> Counts.times (int64 channels) (int64 height * int64 width)

    /// What one choice is made for: a datapoint, or a step of a sequence.
    static member Row shape =
        match shape with
        | Shape.Sequence width -> Shape.Vector width
        | other -> other

    /// Notes the branches whose shapes of numbers do not fit that of the first that is known, which it gives.
    member private _.Alike(place, fits, wanted, remedy, shapes: Shape option list) =
        match List.tryFindIndex Option.isSome shapes with
        | None -> None
        | Some model ->
            let first = shapes[model].Value

            for index, shape in List.indexed shapes do
                match shape with
                | Some shape when not (fits first shape) ->
                    notes.Add(
                        Fault.BranchShapes,
                        $"{place}/{index + 1}",
                        wanted first (model + 1),
                        string shape,
                        remedy
                    )
                | _ -> ()

            Some first

    /// The one shape that all branches must give; a shape that is not known may be any.
    member rules.Same(place, shapes: Shape option list) =
        let wanted (first: Shape) branch = $"{first}, which branch {branch} gives"
        rules.Alike(place, (=), wanted, "make all branches give one shape", shapes)

    /// Shapes of numbers side by side, in features or channels, as one.
    member rules.Beside(place, shapes: Shape option list) =
        let fits first shape =
            match first, shape with
            | Shape.Vector _, Shape.Vector _
            | Shape.Sequence _, Shape.Sequence _ -> true
            | Shape.Image(_, h, w), Shape.Image(_, h', w') -> h = h' && w = w'
            | _ -> false

        let wanted (first: Shape) branch =
            match first with
            | Shape.Image _ -> $"an image of the size that branch {branch} gives, {first}"
            | _ -> $"the kind of shape that branch {branch} gives, {first}"

        match rules.Alike(place, fits, wanted, "make the branches fit side by side", shapes) with
        | Some first when List.forall (Option.exists (fits first)) shapes ->
            notes.Countable(place, "a number of values", shapes |> List.sumBy (Option.get >> ShapeRules.Values))
            |> Option.map (fun total ->
                match first with
                | Shape.Image(_, height, width) -> Shape.Image(total / (height * width), height, width)
                | Shape.Sequence _ -> Shape.Sequence total
                | _ -> Shape.Vector total)
        | _ -> None
