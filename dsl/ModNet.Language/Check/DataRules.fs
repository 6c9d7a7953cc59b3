namespace ModNet

/// What is wrong with an experiment's data, and what network and data make of each other.
type internal DataRules(notes: Notes, root: string, network: Network, plan: Plan) =

    let place setting = $"{root}/data/{setting}"

    let tryRole role = network.Layers |> List.tryFind (fun layer -> Kind.role layer = role)

    let input = tryRole Role.Input
    let head = tryRole Role.Head

    let planned (layer: Layer) = plan.Layers |> List.tryFind (fun other -> other.Layer = layer)

    /// The input and head that the data call for; what is missing altogether has been noted in the network.
    let ends data (isInput, input': string) (isHead, head': string) =
        match input with
        | Some layer when not (isInput layer) ->
            notes.Add(
                Fault.InputUnlikeData,
                $"{root}/data",
                $"data for the network's input `{Kind.ofLayer layer}`",
                $"{data}, which needs `{input'}`",
                $"begin the network with `{input'}`, or take other data"
            )
        | _ -> ()

        match head with
        | Some layer when not (isHead layer) ->
            notes.Add(
                Fault.HeadUnlikeData,
                $"{root}/data",
                $"data for the network's head `{Kind.ofLayer layer}`",
                $"{data}, which needs `{head'}`",
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
            | Some { Name = name; Input = Shape.Vector width } when width <> given ->
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
    let fits data (shape: Shape option) (target: Target) =
        let isInput, input' =
            match shape with
            | Some(Shape.Image(c, h, w)) -> (fun (layer: Layer) -> layer.IsImage), $"image ({c}, {h}, {w})"
            | Some(Shape.Vector width) -> (fun (layer: Layer) -> layer.IsFeatures), $"features {width}"
            | _ -> (fun (layer: Layer) -> layer.IsFeatures), "features"

        let isHead, head' =
            match target with
            | Target.Classes count -> (fun (layer: Layer) -> layer.IsSoftmax || layer.IsCategorical), $"softmax {count}"
            | Target.Values _ ->
                (fun (layer: Layer) -> layer.IsGaussian || layer.IsBernoulli), "gaussian` or `bernoulli"

        ends data (isInput, input') (isHead, head')
        shape |> Option.iter inputFits
        headFits target

    let target (target: Target) =
        match target with
        | Target.Classes count -> notes.Positive(place "classes", "a number of classes", count)
        | Target.Values width -> notes.Positive(place "values", "a number of values", width)
        |> ignore

    let shape (shape: Shape) =
        match shape with
        | Shape.Image(channels, height, width) ->
            for size in [ channels; height; width ] do
                notes.Positive(place "image", "an image's size", size) |> ignore
        | Shape.Vector width -> notes.Positive(place "features", "a number of features", width) |> ignore
        | Shape.Sequence _
        | Shape.Tokens _ ->
            notes.Add(
                Fault.InputUnlikeData,
                $"{root}/data",
                "vectors [n] or images [C, H, W]",
                string shape,
                "give it x of one of these shapes"
            )

    let unknown what (name: string) =
        notes.Add(
            Fault.DataUnknown,
            $"{root}/data",
            $"the {what} of `{name}`",
            "none, since JSON does not hold them",
            "take them from the script's own experiment, by `Experiment.with_code_of`"
        )

    let disagree setting expected got remedy = notes.Add(Fault.ArraysDisagree, place setting, expected, got, remedy)

    /// As many of something as there are datapoints.
    let asMany setting what (data: InMemoryData) (length: int) (each: int) =
        if each >= 1 && length <> data.Points * each then
            disagree
                setting
                $"{Numbers.grouped (int64 data.Points)} {what}, one for each of the inputs"
                (Numbers.grouped (int64 (length / each)))
                "make them as many"

    let below setting what limit (values: int array) =
        match values |> Array.tryFindIndex (fun value -> value < 0 || value >= limit) with
        | Some index when limit >= 1 ->
            disagree setting $"{what} from 0 to {limit - 1}" $"{values[index]} at datapoint {index + 1}" "mend it"
        | _ -> ()

    let arrays (data: InMemoryData) (values: Arrays) =
        match values.Target with
        | ArrayTarget.Classes(count, ofEach) ->
            asMany "classes" "classes" data ofEach.Length 1
            below "classes" "classes" count ofEach
        | ArrayTarget.Values(width, rows) -> asMany "values" "rows of values" data rows.Length width

        values.Tasks
        |> Option.iter (fun ids ->
            asMany "tasks" "task ids" data ids.Length 1
            data.Tasks |> Option.iter (fun count -> below "tasks" "task ids" count ids))

        values.Given
        |> Option.iter (fun choices ->
            data.Given |> Option.iter (fun columns -> asMany "given" "rows of choices" data choices.Length columns))

    /// Every layer whose choices the data bring along, in order, and how it chooses.
    let given () = [
        for layer in plan.Layers |> List.collect _.Unfolded do
            match layer.Layer.Choosing with
            | Some { Controller = Given } & Some modular -> layer, modular
            | _ -> ()
    ]

    member _.Text(text: TextData) =
        notes.Positive(place "window", "a number of steps", text.Window) |> ignore

        text.Vocabulary
        |> Option.iter (fun size -> notes.Positive(place "vocabulary", "a vocabulary", size) |> ignore)

        ends "a text" (_.IsTokens, "tokens") (_.IsSoftmax, "softmax")

        match input with
        | Some(Layer.Tokens size) ->
            match text.Vocabulary with
            | Some words when words <> size ->
                notes.Add(
                    Fault.VocabularyUnlikeData,
                    place "vocabulary",
                    $"{size}, as in the network's `tokens`",
                    string words,
                    "give both the same vocabulary"
                )
            | _ -> ()

            match head with
            | Some(Layer.Softmax classes) when classes <> size ->
                notes.Add(
                    Fault.VocabularyUnlikeData,
                    $"{root}/softmax/classes",
                    $"{size}, as in `tokens`, for the next word",
                    string classes,
                    $"say `softmax {size}`"
                )
            | _ -> ()
        | _ -> ()

    member _.Toy(toy: ToyRegression) =
        if toy.Dimensions < 2 then
            notes.Add(
                Fault.NonPositiveSize,
                place "dimensions",
                "D ≥ 2, so that there is something to rotate",
                $"D = {toy.Dimensions}",
                "give it two or more"
            )

        for setting, value in [ "points", toy.Points; "held_out", toy.HeldOut ] do
            notes.Positive(place setting, "a number of points", value) |> ignore

        for setting, value in [ "separation", toy.Separation; "spread", toy.Spread ] do
            notes.PositiveReal(Fault.NonPositiveScale, place setting, "a distance", value, "give it a positive number")

        ends "the toy regression" (_.IsFeatures, "features") (_.IsGaussian, "gaussian")

        if toy.Dimensions >= 2 then
            for layer in plan.Layers do
                match layer.Layer, layer.Input with
                | (Layer.Features _ | Layer.Gaussian _), Shape.Vector width when width <> toy.Dimensions ->
                    notes.Add(
                        Fault.WidthUnlikeData,
                        $"{root}/{layer.Name}",
                        $"width {toy.Dimensions}, the data's dimensions",
                        $"width {width}",
                        "make the network's input and output as wide as the data"
                    )
                | _ -> ()

    member _.Csv(csv: CsvData) =
        match csv.Targets, csv.Classes with
        | [], _ ->
            notes.Add(
                Fault.NoTarget,
                place "target",
                "the column to predict",
                "none",
                "say `target \"COLUMN\"`, or `targets` with several"
            )
        | _ :: _ :: _, Some _ ->
            notes.Add(
                Fault.NoTarget,
                place "classes",
                "one target column of labels",
                $"{csv.Targets.Length} columns",
                "name one with `target`, or leave `classes` out"
            )
        | _ -> ()

        csv.Classes
        |> Option.iter (fun count -> notes.Positive(place "classes", "a number of classes", count) |> ignore)

        if csv.Features = Some [] then
            notes.Add(
                Fault.NonPositiveSize,
                place "features",
                "at least one column",
                "none",
                "name one, or leave `features` out to take all others"
            )

        let columns = csv.Targets @ Option.defaultValue [] csv.Features @ Option.toList csv.Task

        for column, times in List.countBy id columns do
            if times > 1 then
                notes.Add(
                    Fault.ColumnTwice,
                    $"{root}/data",
                    $"every column to be one of target, feature and task",
                    $"`{column}` {times} times",
                    "name it once"
                )

        for setting, share in [ "held_out", csv.HeldOut; "test", csv.Test ] do
            if not (share >= 0.0 && share < 1.0) then
                outOfRange setting "a share of the rows in [0, 1)" (Numbers.ofFloat share) "say 0.2 for a fifth"

        if csv.HeldOut + csv.Test >= 1.0 && csv.HeldOut < 1.0 && csv.Test < 1.0 then
            outOfRange
                "test"
                "shares whose sum is below 1, so that rows are left to train on"
                (Numbers.ofFloat (csv.HeldOut + csv.Test))
                "hold fewer out"

        fits
            "a CSV file"
            (csv.Features |> Option.map (fun columns -> Shape.Vector columns.Length))
            (match csv.Classes with
             | Some count -> Target.Classes count
             | None -> Target.Values csv.Targets.Length)

    /// Images of this shape in 10 classes, so many to train on in the original.
    member _.Images(what: string, images: ImageData, shape: Shape, count: int) =
        heldOut "held_out" images.HeldOut (Some count)
        fits what (Some shape) (Target.Classes 10)

    member _.InMemory(data: InMemoryData) =
        notes.Name(place "name", "data", data.Name)
        shape data.Input
        target data.Target

        match notes.Positive(place "inputs", "a number of datapoints", data.Points) with
        | Some points when data.HeldOut >= 0 && data.Test >= 0 ->
            heldOut "held_out" (data.HeldOut + data.Test) (Some points)
        | _ ->
            heldOut "held_out" data.HeldOut None
            heldOut "test" data.Test None

        match data.Arrays.Value with
        | Some values -> arrays data values
        | None -> unknown "arrays" data.Name

        fits "arrays in memory" (Some data.Input) data.Target

    member _.Generated(data: GeneratedData) =
        notes.Name(place "name", "data", data.Name)
        shape data.Input
        target data.Target
        notes.Positive(place "points", "a number of points", data.Points) |> ignore
        heldOut "held_out" data.HeldOut None
        heldOut "test" data.Test None

        if data.Draw.Value.IsNone then unknown "datapoints" data.Name

        fits "generated data" (Some data.Input) data.Target

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
