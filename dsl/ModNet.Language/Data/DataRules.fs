namespace ModNet

/// What is wrong with an experiment's data, and what network and data make of each other: what the kinds of data ask in common. `at` is the place
/// of the data, below the network's name.
type internal DataRules(notes: Notes, root: string, network: Network, plan: Plan, at: string) =

    let data = $"{root}/{at}"

    let place setting = $"{data}/{setting}"

    let tryRole role = network.Layers |> List.tryFind (fun layer -> Kind.role layer = role)

    let input = tryRole Role.Input
    let head = tryRole Role.Head

    let planned (layer: Layer) = plan.Layers |> List.tryFind (fun other -> other.Layer = layer)

    /// The input and head that the data call for; what is missing altogether has been noted in the network.
    let ends what (isInput, input': string) (isHead, head': string) =
        match input with
        | Some layer when not (isInput layer) ->
            notes.Add(
                Fault.InputUnlikeData,
                data,
                $"data for the network's input `{Kind.ofLayer layer}`",
                $"{what}, which needs `{input'}`",
                $"begin the network with `{input'}`, or take other data"
            )
        | _ -> ()

        match head with
        | Some layer when not (isHead layer) ->
            notes.Add(
                Fault.HeadUnlikeData,
                data,
                $"data for the network's head `{Kind.ofLayer layer}`",
                $"{what}, which needs `{head'}`",
                $"end the network with `{head'}`, or take other data"
            )
        | _ -> ()

    let outOfRange setting expected got remedy =
        notes.Add(Fault.HeldOutOutOfRange, place setting, expected, got, remedy)

    /// A number of datapoints held out, of so many if that is known.
    let heldOut setting count (total: int option) =
        match total with
        | Some total when count >= total ->
            outOfRange
                setting
                $"fewer than {Numbers.grouped (int64 total)}, the number of datapoints"
                (string<int> count)
                "hold fewer out"
        | _ -> if count < 0 then outOfRange setting "a number of datapoints ≥ 0" (string count) "hold none or more out"

    /// Whether x of this shape is what the network's input takes.
    let inputFits (shape: Shape) =
        match input, shape with
        | Some(Layer.Features width), Shape.Vector given when width <> given ->
            notes.Add(
                Fault.WidthUnlikeData,
                $"{root}/features",
                $"width {given}, the data's features",
                $"width {width}",
                $"say `features {given}`"
            )
        | Some(Layer.Sequence width), Shape.Sequence given when width <> given ->
            notes.Add(
                Fault.WidthUnlikeData,
                $"{root}/sequence",
                $"width {given}, that of the data's sequences",
                $"width {width}",
                $"say `sequence {given}`"
            )
        | Some(Layer.Image(channels, height, width)), Shape.Image(c, h, w) when (channels, height, width) <> (c, h, w) ->
            notes.Add(
                Fault.ImageUnlikeData,
                $"{root}/image",
                $"{shape}, the data's images",
                string (Shape.Image(channels, height, width)),
                $"say `image ({c}, {h}, {w})`"
            )
        | _ -> ()

    /// Whether y is what the network's head gives.
    let headFits (target: Target) =
        match head, target with
        | Some(Layer.Softmax classes), Target.Classes given when given >= 1 && classes <> given ->
            notes.Add(
                Fault.ClassesUnlikeData,
                $"{root}/softmax/classes",
                $"{given}, the data's classes",
                string classes,
                $"say `softmax {given}`"
            )
        | Some Layer.Categorical, Target.Classes given when given >= 1 ->
            match planned Layer.Categorical with
            | Some { Name = name; Input = Shape.Vector width } when width <> given ->
                notes.Add(
                    Fault.ClassesUnlikeData,
                    $"{root}/{name}",
                    $"{given}, the data's classes",
                    $"width {width}",
                    $"let the layer before `{name}` give {given}"
                )
            | _ -> ()
        | Some((Layer.Gaussian _ | Layer.Bernoulli) as layer), Target.Values given when given >= 1 ->
            match planned layer with
            | Some { Name = name; Input = Shape.Vector width | Shape.Sequence width } when width <> given ->
                notes.Add(
                    Fault.WidthUnlikeData,
                    $"{root}/{name}",
                    $"width {given}, the data's values",
                    $"width {width}",
                    $"let the layer before `{name}` give {given}"
                )
            | _ -> ()
        | _ -> ()

    /// Data of one x and one y against the network. None: the number of features is not known before the file is read.
    let fits what (shape: Shape option) (target: Target) =
        let isInput, input' =
            match shape with
            | Some(Shape.Image(c, h, w)) -> (fun (layer: Layer) -> layer.IsImage), $"image ({c}, {h}, {w})"
            | Some(Shape.Vector width) -> (fun (layer: Layer) -> layer.IsFeatures), $"features {width}"
            | Some(Shape.Sequence width) -> (fun (layer: Layer) -> layer.IsSequence), $"sequence {width}"
            | _ -> (fun (layer: Layer) -> layer.IsFeatures), "features"

        let isHead, head' =
            match target with
            | Target.Classes count -> (fun (layer: Layer) -> layer.IsSoftmax || layer.IsCategorical), $"softmax {count}"
            | Target.Values _ ->
                (fun (layer: Layer) -> layer.IsGaussian || layer.IsBernoulli), "gaussian` or `bernoulli"

        ends what (isInput, input') (isHead, head')
        shape |> Option.iter inputFits
        headFits target

    let target (target: Target) =
        match target with
        | Target.Classes count -> notes.Positive(place "classes", "a number of classes", count)
        | Target.Values width -> notes.Positive(place "values", "a number of values", width)
        |> ignore

    let shape (shape: Shape) (sequences: bool) =
        match shape with
        | Shape.Sequence width when sequences -> notes.Positive(place "inputs", "a width", width) |> ignore
        | Shape.Image(channels, height, width) ->
            for size in [ channels; height; width ] do
                notes.Positive(place "image", "an image's size", size) |> ignore
        | Shape.Vector width -> notes.Positive(place "features", "a number of features", width) |> ignore
        | Shape.Sequence _
        | Shape.Tokens _ ->
            notes.Add(
                Fault.InputUnlikeData,
                data,
                "vectors [n] or images [C, H, W]",
                string shape,
                "give it x of one of these shapes"
            )

    let unknown what (name: string) =
        notes.Add(
            Fault.DataUnknown,
            data,
            $"the {what} of `{name}`",
            "none, since JSON does not hold them",
            "take them from the script's own experiment, by `Experiment.with_code_of`"
        )

    /// Every layer whose choices the data bring along, in order, and how it chooses.
    let given () = [
        for layer in plan.Layers |> List.collect _.Unfolded do
            match layer.Layer.Choosing with
            | Some { Controller = Given } & Some modular -> layer, modular
            | _ -> ()
    ]

    /// The rules of a part of the data, whose place is below theirs.
    member _.Within(part: string) = DataRules(notes, root, network, plan, $"{at}/{part}")

    member _.Notes = notes
    member _.Root = root
    member _.Plan = plan
    member _.Input = input
    member _.Head = head
    /// The shape that the network's head reads, where it is known.
    member _.HeadReads = head |> Option.bind planned |> Option.map _.Input

    /// The place of the data.
    member _.Here = data

    /// A setting's place.
    member _.Place(setting: string) = place setting

    /// Notes an input or head of the network that these data do not go with.
    member _.Ends(what, input, head) = ends what input head

    member _.OutOfRange(setting, expected, got, remedy) = outOfRange setting expected got remedy

    /// Notes a number of datapoints held out that cannot be, of so many if that is known.
    member _.HeldOut(setting, count, total) = heldOut setting count total

    /// Holds data of one x and one y against the network. None: the number of features is not known before the file is read.
    member _.Fits(what, shape, target) = fits what shape target

    /// Notes sizes of x and y that cannot be.
    member _.Sizes(x, y, sequences) =
        shape x sequences
        target y

    /// Notes what a spec that was read from JSON does not carry.
    member _.Unknown(what, name) = unknown what name

    /// Holds the layers that read a whole window against windows of so many steps, where that is known.
    member _.Windows(steps: int) =
        for layer in plan.Layers |> List.collect _.Unfolded do
            match layer.Layer with
            | Layer.LearnedPositions places when places >= 1 && steps > places ->
                notes.Add(
                    Fault.WindowUnfit,
                    $"{root}/{layer.Name}",
                    $"at least {steps} steps, as many as the data's windows have",
                    string<int> places,
                    $"say `learned_positions {steps}`, or `positions`, which takes any number"
                )
            | _ -> ()

    /// Holds the layers that read a whole window against a text whose next token each step is to predict.
    member rules.NextToken(carriesState: bool) =
        match rules.HeadReads with
        | Some(Shape.Vector _) when plan.Layers |> List.exists (fun layer -> layer.Input.IsSequence) ->
            notes.Add(
                Fault.WindowUnfit,
                $"{root}/data",
                "data with one target for each sequence, since the network makes one vector of the steps",
                "a text, each of whose steps has the next token as its target",
                "leave out `last_step` or `mean_steps`"
            )
        | _ -> ()

        for layer in plan.Layers |> List.collect _.Unfolded do
            match layer.Layer with
            | Layer.SelfAttention { Causal = false } ->
                notes.Add(
                    Fault.WindowUnfit,
                    $"{root}/{layer.Name}/causal",
                    "true on a text, where the next token is what each step is to predict",
                    "false",
                    "leave `causal` out"
                )
            | _ -> ()

            match layer.Layer with
            | Layer.SelfAttention _
            | Layer.Positions
            | Layer.LearnedPositions _ when carriesState ->
                notes.Add(
                    Fault.WindowUnfit,
                    place "carry_state",
                    $"false with `{Kind.ofLayer layer.Layer}`, which reads each window by itself",
                    "true",
                    "drop `carry_state`, or the layer"
                )
            | _ -> ()

    /// Task ids that the network reads beside its input, against those of the data: None are none, Some None a number that is not
    /// known yet.
    member _.Tasks(tasks: int option option) =
        match tryRole Role.Beside, tasks with
        | Some(Layer.Tasks count), None ->
            notes.Add(
                Fault.NoTaskIds,
                $"{root}/tasks",
                $"data with task ids below {count}",
                "data without",
                "give the data task ids (`task` of `csv`, `tasks` of `in_memory` and `generated`), or leave `tasks` out"
            )
        | Some(Layer.Tasks count), Some(Some given) when count <> given ->
            notes.Add(
                Fault.TasksUnlikeData,
                $"{root}/tasks",
                $"{given}, the data's task ids",
                string count,
                $"say `tasks {given}`"
            )
        | None, Some(Some count) -> notes.Positive(place "tasks", "a number of task ids", count) |> ignore
        | _ -> ()

    /// The choices that layers want given, against those that the data bring along.
    member _.Given(choices: int option) =
        match given (), choices with
        | [], _ -> ()
        | (layer, _) :: _, None ->
            notes.Add(
                Fault.NoGivenChoices,
                $"{root}/{layer.Name}/controller",
                "data that bring choices along, for `Given`",
                "data without",
                "give the data choices (`given` of `in_memory` and `generated`), or take another controller"
            )
        | layers, Some columns ->
            let wanted = layers |> List.sumBy (fun (_, modular) -> modular.Choose)

            if wanted <> columns then
                notes.Add(
                    Fault.GivenUnlikeData,
                    place "given",
                    $"{wanted} choices per datapoint, K of every layer whose controller is `Given`",
                    string columns,
                    "bring as many along"
                )
