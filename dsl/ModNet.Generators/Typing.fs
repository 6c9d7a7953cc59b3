namespace ModNet.Generators

open System.Collections.Generic
open ModNet

/// Which networks are sound, said a second time and apart from `check`: a shape comes through a layer or it does not, and
/// nothing is explained. Generators build by these rules and shrinking keeps to them, so that properties can hold the rules
/// and `check` against each other.
[<RequireQualifiedAccess>]
module internal Typing =

    /// What a row is to a layer that chooses.
    let row shape =
        match shape with
        | Shape.Sequence width -> Shape.Vector width
        | other -> other

    /// A vector or sequence of another width.
    let widened width shape =
        match shape with
        | Shape.Sequence _ -> Shape.Sequence width
        | _ -> Shape.Vector width

    /// A square window's places along one side.
    let places size window stride padding =
        if window < 1 || stride < 1 || padding < 0 || padding >= window || window > size + 2 * padding then
            None
        else
            Some((size + 2 * padding - window) / stride + 1)

    let private slide shape channels window stride padding =
        match shape with
        | Shape.Image(own, height, width) ->
            match places height window stride padding, places width window stride padding with
            | Some height, Some width -> Some(Shape.Image(defaultArg channels own, height, width))
            | _ -> None
        | _ -> None

    /// A transposed window's places along one side.
    let larger size window stride padding =
        if window < 1 || stride < 1 || padding < 0 || padding >= window then
            None
        else
            let out = (size - 1) * stride - 2 * padding + window
            if out < 1 then None else Some out

    let private beside shapes =
        let add first second =
            match first, second with
            | Some(Shape.Vector a), Some(Shape.Vector b) -> Some(Shape.Vector(a + b))
            | Some(Shape.Sequence a), Some(Shape.Sequence b) -> Some(Shape.Sequence(a + b))
            | Some(Shape.Image(a, h, w)), Some(Shape.Image(b, h', w')) when h = h' && w = w' ->
                Some(Shape.Image(a + b, h, w))
            | _ -> None

        List.reduce add shapes

    /// What each half of the features of a coupling is.
    let half shape =
        match shape with
        | Shape.Vector width when width % 2 = 0 -> Some(Shape.Vector(width / 2))
        | Shape.Sequence width when width % 2 = 0 -> Some(Shape.Sequence(width / 2))
        | Shape.Image(channels, height, width) when channels % 2 = 0 -> Some(Shape.Image(channels / 2, height, width))
        | _ -> None

    /// Whether an initialisation has something to apply to.
    let rec hasWeights layer =
        match layer with
        | Layer.Linear _
        | Layer.Conv _
        | Layer.ConvTranspose _ -> true
        | Layer.Residual layers
        | Layer.Coupling layers
        | Layer.Uncoupling layers
        | Layer.Repeat(_, layers)
        | Layer.Block(_, layers) -> List.exists hasWeights layers
        | Layer.SumOf branches
        | Layer.ConcatOf branches -> List.exists (List.exists hasWeights) branches
        | _ -> false

    /// Whether a unit has the same parameters for images of every size.
    let isResizable layers =
        layers
        |> List.forall (function
            | Layer.Conv _
            | Layer.ConvTranspose _
            | Layer.MaxPool _
            | Layer.AvgPool _
            | Layer.Upsample _
            | Layer.Slice _
            | Layer.Activation _
            | Layer.Dropout _ -> true
            | _ -> false)

    /// Whether one module's parameters serve both rows.
    let isOneSignature (pool: Pool) first second =
        first = second
        || match first, second with
           | Shape.Image(channels, _, _), Shape.Image(channels', _, _) ->
               channels = channels' && List.forall isResizable pool.Units
           | _ -> false

    /// The number of task ids beside the network's input; None where there are none.
    let taskIds (network: Network) : int option =
        network.Layers
        |> List.tryPick (function
            | Layer.Tasks count -> Some count
            | _ -> None)

    /// The walk's memory: how many task ids there are, if any, and the shared pools with the rows that they read first.
    type Known(tasks: int option) =
        let rows = Dictionary<string, Pool * Shape>()
        member _.Tasks = tasks

        /// Whether the pool may serve this row, given what it served before.
        member _.Admits(pool: Pool, row) =
            match pool.Name with
            | None -> true
            | Some name when System.String.IsNullOrWhiteSpace name || name.Contains '/' -> false
            | Some name ->
                match rows.TryGetValue name with
                | true, (first, read) -> first = pool && isOneSignature pool read row
                | _ ->
                    rows[name] <- (pool, row)
                    true

    let private controllerFits (known: Known) row (modular: Modular) =
        match modular.Controller, row with
        | (Linear | Given), _ -> true
        | Mlp hidden, _ -> not hidden.IsEmpty && List.forall (fun width -> width >= 1) hidden
        | Conv(channels, kernel), Shape.Image(_, height, width) ->
            channels >= 1 && kernel >= 1 && kernel <= min height width
        | Conv _, _ -> false
        | Task, _ -> known.Tasks.IsSome
        | ByTask, _ -> known.Tasks = Some modular.Pool.Modules && modular.Choose = 1
        | Factored digits, _ ->
            not digits.IsEmpty
            && List.forall (fun size -> size >= 1) digits
            && List.fold (*) 1 digits = modular.Pool.Modules
        | Custom spec, _ ->
            spec.Code.Value.IsSome
            && spec.Input = row
            && spec.Output = Shape.Vector(modular.Choose * modular.Pool.Modules)

    let private activationFits activation =
        match activation with
        | Some(LeakyRelu value | Elu value) -> value >= 0.0 && System.Double.IsFinite value
        | _ -> true

    /// A row without its last features.
    let without aside row =
        match row with
        | Shape.Vector width -> Shape.Vector(width - aside)
        | other -> other

    /// What the units read of a row.
    let unitsRow (modular: Modular) row = without modular.Context row

    let private settingsFit known row (modular: Modular) =
        let pool = modular.Pool

        pool.Modules >= 1
        && modular.Choose >= 1
        && modular.Choose <= pool.Modules
        && (pool.Units.Length = 1 || pool.Units.Length = pool.Modules)
        && not (List.exists List.isEmpty pool.Units)
        && not modular.Halts
        && modular.Context >= 0
        && (modular.Context = 0
            || match row with
               | Shape.Vector width -> modular.Context < width
               | _ -> false)
        && (pool.Init = Uniform || List.exists (List.exists hasWeights) pool.Units)
        && not (modular.Duplicates = Once && modular.Combine = Concat)
        && (not modular.Dispatch.IsForLinear
            || match pool.Units with
               | [ [ Layer.Linear _ ] ] -> true
               | _ -> false)
        && controllerFits known row modular

    let rec private all shapes =
        match shapes with
        | [] -> None
        | first :: rest -> if List.forall ((=) first) rest then first else None

    /// Names of blocks must differ from those that follow from kind and position, which end in a digit, and from those of a
    /// graph's own parts.
    let private isBlockName (name: string) =
        not (System.String.IsNullOrWhiteSpace name)
        && not (name.Contains '/' || name.Contains '.' || System.Char.IsDigit name[name.Length - 1])
        && name <> "pools"
        && name <> "head"

    /// What a chain gives for this shape, if it takes it.
    let rec chain known inModule layers shape : Shape option =
        let blocks =
            layers
            |> List.choose (function
                | Layer.Block(name, _) -> Some name
                | _ -> None)

        if not (List.forall isBlockName blocks && List.distinct blocks = blocks) then
            None
        else
            through known inModule layers shape

    and private through known inModule layers shape =
        layers |> List.fold (fun shape next -> shape |> Option.bind (layer known inModule next)) (Some shape)

    /// What a pool's modules give for a row, if they agree.
    and unitOutput known (pool: Pool) row =
        match pool.Units |> List.map (fun unit -> chain known true unit row) |> all with
        | Some(Shape.Vector _ | Shape.Image _) as output -> output
        | _ -> None

    and private modular (known: Known) (settings: Modular) row =
        let own = unitsRow settings row

        if not (settingsFit known row settings && known.Admits(settings.Pool, own)) then
            None
        else
            match settings.Combine, unitOutput known settings.Pool own with
            | Concat, Some(Shape.Vector width) -> Some(Shape.Vector(settings.Choose * width))
            | Concat, Some(Shape.Image(channels, height, width)) ->
                Some(Shape.Image(settings.Choose * channels, height, width))
            | _, output -> output

    /// What a layer between input and head gives for this shape, if it takes it.
    and layer known inModule layer shape : Shape option =
        match layer, shape with
        | Layer.Embed width, Shape.Tokens _ when width >= 1 -> Some(Shape.Sequence width)
        | Layer.SumOf(_ :: _ as branches), _ ->
            branches |> List.map (fun layers -> chain known inModule layers shape) |> all
        | Layer.ConcatOf(_ :: _ as branches), _ ->
            match branches |> List.map (fun layers -> chain known inModule layers shape) with
            | [ Some(Shape.Tokens _) ] -> None
            | shapes -> beside shapes
        | Layer.Repeat(times, (_ :: _ as layers)), _ when times >= 1 ->
            List.replicate times layers
            |> List.fold (fun shape next -> shape |> Option.bind (chain known inModule next)) (Some shape)
        | Layer.Block(_, (_ :: _ as layers)), _ -> chain known inModule layers shape
        | Layer.Custom spec, _ when spec.Input = shape && spec.Code.Value.IsSome -> Some spec.Output
        | _, Shape.Tokens _ -> None
        | Layer.EmbedColumns columns, Shape.Vector width when
            not inModule
            && not columns.IsEmpty
            && (List.distinctBy _.Column columns).Length = columns.Length
            && columns
               |> List.forall (fun column ->
                   column.Column >= 0 && column.Column < width && column.Categories >= 1 && column.Width >= 1)
            ->
            Some(Shape.Vector(width - columns.Length + List.sumBy _.Width columns))
        | Layer.Linear linear, (Shape.Vector _ | Shape.Sequence _) when
            linear.Width >= 1 && activationFits linear.Activation
            ->
            Some(widened linear.Width shape)
        | Layer.Conv conv, _ when conv.Channels >= 1 && activationFits conv.Activation ->
            slide shape (Some conv.Channels) conv.Kernel conv.Stride conv.Padding
        | Layer.ConvTranspose conv, Shape.Image(_, height, width) when
            conv.Channels >= 1 && activationFits conv.Activation
            ->
            match
                larger height conv.Kernel conv.Stride conv.Padding, larger width conv.Kernel conv.Stride conv.Padding
            with
            | Some height, Some width -> Some(Shape.Image(conv.Channels, height, width))
            | _ -> None
        | Layer.Conv1d conv, Shape.Sequence _ when
            conv.Channels >= 1 && conv.Kernel >= 1 && conv.Dilation >= 1 && activationFits conv.Activation
            ->
            Some(Shape.Sequence conv.Channels)
        | Layer.SelfAttention attention, Shape.Sequence width when attention.Heads >= 1 && width % attention.Heads = 0 ->
            Some shape
        | Layer.Positions, Shape.Sequence _ -> Some shape
        | Layer.LearnedPositions steps, Shape.Sequence _ when steps >= 1 -> Some shape
        | Layer.Upsample factor, Shape.Image(channels, height, width) when factor >= 1 ->
            Some(Shape.Image(channels, factor * height, factor * width))
        | (Layer.MaxPool pooling | Layer.AvgPool pooling), _ -> slide shape None pooling.Window pooling.Stride 0
        | Layer.LastStep, Shape.Sequence width
        | Layer.MeanSteps, Shape.Sequence width -> Some(Shape.Vector width)
        | Layer.AsImage(channels, height, width), Shape.Vector values when
            channels >= 1 && height >= 1 && width >= 1 && channels * height * width = values
            ->
            Some(Shape.Image(channels, height, width))
        | Layer.Slice(first, width), _ when first >= 0 && width >= 1 ->
            match shape with
            | Shape.Vector features when first + width <= features -> Some(Shape.Vector width)
            | Shape.Sequence features when first + width <= features -> Some(Shape.Sequence width)
            | Shape.Image(channels, height, w) when first + width <= channels -> Some(Shape.Image(width, height, w))
            | _ -> None
        | Layer.Flatten, Shape.Image(channels, height, width) -> Some(Shape.Vector(channels * height * width))
        | Layer.Activation kind, _ when activationFits (Some kind) -> Some shape
        | Layer.LayerNorm, _ -> Some shape
        | Layer.BatchNorm, _ when not inModule -> Some shape
        | Layer.ActivityL1 weight, _ when not inModule && weight > 0.0 && System.Double.IsFinite weight -> Some shape
        | Layer.Locality weight, _ when not inModule && weight >= 0.0 && System.Double.IsFinite weight -> Some shape
        | Layer.Boundary(Boundary.Synthetic spec), _ when
            not inModule && List.forall (fun width -> width >= 1) spec.Hidden
            ->
            Some shape
        | Layer.Boundary(Boundary.Closed | Boundary.LocalHead), _ when not inModule -> Some shape
        | Layer.Dropout rate, _ when rate >= 0.0 && rate < 1.0 -> Some shape
        | (Layer.Gru hidden | Layer.Lstm hidden), Shape.Sequence _ when hidden >= 1 -> Some(Shape.Sequence hidden)
        | Layer.Residual(_ :: _ as layers), _ when chain known inModule layers shape = Some shape -> Some shape
        | (Layer.Coupling(_ :: _ as layers) | Layer.Uncoupling(_ :: _ as layers)), _ ->
            match half shape with
            | Some part when chain known inModule layers part = Some part -> Some shape
            | _ -> None
        | Layer.Modular settings, _ when not inModule ->
            match shape, modular known settings (row shape) with
            | Shape.Sequence _, Some(Shape.Vector width) -> Some(Shape.Sequence width)
            | Shape.Sequence _, _ -> None
            | _, output -> output
        | Layer.ModularGru gru, Shape.Sequence width when not inModule && gru.Hidden >= 1 && gru.Candidate.Context = 0 ->
            match modular known gru.Candidate (Shape.Vector(gru.Hidden + width)) with
            | Some(Shape.Vector hidden) when hidden = gru.Hidden -> Some(Shape.Sequence hidden)
            | _ -> None
        | _ -> None

    /// The shape that an input gives.
    let input layer =
        match layer with
        | Layer.Tokens vocabulary when vocabulary >= 1 -> Some(Shape.Tokens vocabulary)
        | Layer.Features width when width >= 1 -> Some(Shape.Vector width)
        | Layer.Sequence width when width >= 1 -> Some(Shape.Sequence width)
        | Layer.Image(channels, height, width) when channels >= 1 && height >= 1 && width >= 1 ->
            Some(Shape.Image(channels, height, width))
        | _ -> None

    let private headFits head shape =
        match head, shape with
        | Layer.Softmax classes, (Shape.Vector _ | Shape.Sequence _) -> classes >= 1
        | Layer.Gaussian(Variance.Fixed value | Variance.Learned value), (Shape.Vector _ | Shape.Sequence _) ->
            value > 0.0 && System.Double.IsFinite value
        | (Layer.Categorical | Layer.Bernoulli), Shape.Vector _ -> true
        | _ -> false

    /// Input, task ids beside it, and what follows.
    let opening layers =
        match layers with
        | input :: Layer.Tasks count :: rest -> Some(input, Some count, rest)
        | input :: rest -> Some(input, None, rest)
        | [] -> None

    let isSound (network: Network) =
        match opening network.Layers with
        | Some(first, tasks, (_ :: _ as rest)) ->
            let body, head = List.take (rest.Length - 1) rest, List.last rest
            let known = Known tasks

            // Columns are embedded right after the input, and nowhere else.
            let later = if (List.head rest).IsEmbedColumns then List.tail rest else rest

            not (LayerTree.all later |> List.exists _.IsEmbedColumns)
            && not (System.String.IsNullOrWhiteSpace network.Name || network.Name.Contains '/')
            && (match tasks with
                | Some count -> count >= 1
                | None -> true)
            && (match input first |> Option.bind (chain known false body) with
                | Some shape -> headFits head shape
                | None -> false)
        | _ -> false
