namespace ModNet

/// What layers that choose nothing and hold no others ask of their settings and input, and give.
type internal PlainRules(notes: Notes, rules: ShapeRules) =

    let embed place width shape =
        let width = notes.Positive(place + "/width", "a width", width)

        match shape with
        | Some(Shape.Tokens _)
        | None -> width
        | Some shape ->
            notes.Add(
                Fault.EmbedWithoutTokens,
                place,
                "token ids [T]",
                string shape,
                "begin the network with `tokens`, or leave `embed` out"
            )

            None

    let custom place (custom: Custom) shape =
        CustomRules.check notes place custom shape ""

        if not (ShapeRules.IsSound custom.Output) then
            notes.Add(
                Fault.NonPositiveSize,
                place + "/gives",
                "sizes ≥ 1",
                string custom.Output,
                "give it positive numbers"
            )

            None
        else
            notes.Countable(place + "/gives", "a number of values", ShapeRules.Values custom.Output)
            |> Option.map (fun _ -> custom.Output)

    let gaussian place variance shape =
        let width = rules.Vector(place, "use `softmax`, the head for sequences", shape)

        let value =
            match variance with
            | Variance.Fixed value
            | Variance.Learned value -> value

        notes.PositiveReal(
            Fault.NonPositiveVariance,
            place + "/variance",
            "a variance",
            value,
            "give σ² in the square of the target's unit"
        )

        width

    let image place (channels, height, width) =
        let sizes = [ channels; height; width ] |> List.map (fun size -> notes.Positive(place, "a size", size))

        if List.forall Option.isSome sizes then
            notes.Countable(place, "a number of values", ShapeRules.Values(Shape.Image(channels, height, width)))
            |> Option.map (fun _ -> Shape.Image(channels, height, width))
        else
            None

    let flatten place shape =
        rules.Image(place, shape)
        |> Option.map (fun (channels, height, width) -> Shape.Vector(channels * height * width))

    let dropout place rate shape =
        if not (rate >= 0.0 && rate < 1.0) then
            notes.Add(
                Fault.RateOutOfRange,
                place + "/rate",
                "0 ≤ rate < 1",
                Numbers.ofFloat rate,
                "give the probability with which a value is dropped"
            )

        rules.Numbers(place, "numbers", shape)

    let batchNorm place inModule shape =
        if inModule then
            notes.Add(
                Fault.BatchNormInModule,
                place,
                "a module that treats every datapoint by itself",
                "`batch_norm`",
                "use `layer_norm`"
            )

        rules.Numbers(place, "numbers", shape)

    let activityL1 place weight inModule shape =
        notes.PositiveReal(
            Fault.WeightOutOfRange,
            place + "/weight",
            "a weight",
            weight,
            "give what Σ|x| is multiplied by in the loss"
        )

        if inModule then
            notes.Add(
                Fault.PenaltyInModule,
                place,
                "a module that does nothing but map its input",
                "`activity_l1`",
                "put it after the modular layer"
            )

        rules.Numbers(place, "numbers", shape)

    let pooling place (pooling: PoolingSpec) shape =
        // Unless said the stride is the window, and its fault the same one.
        let stride = if pooling.Stride = pooling.Window then max 1 pooling.Stride else pooling.Stride

        rules.Slide(place, "window", pooling.Window, stride, 0, None, shape)

    let gru place hidden inModule shape =
        let hidden = notes.Positive(place + "/hidden", "a width", hidden)

        let remedy =
            if inModule then
                "modules read a sequence step by step: use `linear`, or `modular_gru` around them"
            else
                "begin with `tokens` and `embed`, or use `linear`"

        let _, gives = rules.Recurrent(place, remedy, shape)
        gives hidden

    /// The output of such a layer, in a module or not, as far as it can be known.
    member _.Output(place, layer, inModule, shape) : Shape option =
        let positive setting what value = notes.Positive(place + "/" + setting, what, value)

        match layer with
        | Layer.Tokens size -> positive "vocabulary" "a vocabulary" size |> Option.map Shape.Tokens
        | Layer.Features width -> positive "width" "a width" width |> Option.map Shape.Vector
        | Layer.Image(channels, height, width) -> image place (channels, height, width)
        | Layer.Embed width -> embed place width shape |> Option.map Shape.Sequence
        | Layer.Linear linear ->
            let width = positive "width" "a width" linear.Width
            rules.EachStep(place, shape, width)
        | Layer.Conv conv ->
            let channels = positive "channels" "a number of channels" conv.Channels
            rules.Slide(place, "kernel", conv.Kernel, conv.Stride, conv.Padding, Some channels, shape)
        | Layer.MaxPool spec
        | Layer.AvgPool spec -> pooling place spec shape
        | Layer.Flatten -> flatten place shape
        | Layer.Activation _
        | Layer.LayerNorm -> rules.Numbers(place, "numbers", shape)
        | Layer.BatchNorm -> batchNorm place inModule shape
        | Layer.ActivityL1 weight -> activityL1 place weight inModule shape
        | Layer.Dropout rate -> dropout place rate shape
        | Layer.Gru hidden -> gru place hidden inModule shape
        | Layer.Custom spec -> custom place spec shape
        | Layer.Softmax classes ->
            let classes = positive "classes" "a number of classes" classes
            rules.EachStep(place, shape, classes)
        | Layer.Gaussian variance -> gaussian place variance shape |> Option.map Shape.Vector
        | Layer.Categorical
        | Layer.Bernoulli ->
            rules.Vector(place, "use `softmax`, the head for sequences", shape) |> Option.map Shape.Vector
        | Layer.Tasks _
        | Layer.Modular _
        | Layer.ModularGru _
        | Layer.Residual _
        | Layer.SumOf _
        | Layer.ConcatOf _
        | Layer.Repeat _
        | Layer.Block _ -> invalidArg (nameof layer) $"{Kind.ofLayer layer} is not plain"
