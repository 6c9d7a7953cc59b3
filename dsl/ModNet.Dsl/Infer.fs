namespace ModNet

open System.Collections.Generic

/// One walk over a network: names every layer, infers every shape, and notes every problem.
/// Where a shape cannot be known it is left open, so that one mistake is told once and not again at each layer after it.
type internal Infer(network: Network, notes: Notes) =

    let root =
        if System.String.IsNullOrWhiteSpace network.Name then
            "network"
        else
            network.Name

    let planned = ResizeArray<PlannedLayer>()
    let kinds = Dictionary<string, int>()
    let pools = PoolLedger(root, notes)

    /// Inputs and heads are one of a kind in a sound network, so only further ones are numbered.
    let nameOf layer =
        let kind = Kind.ofLayer layer
        let count = 1 + kinds.GetValueOrDefault kind
        kinds[kind] <- count

        if count = 1 && Kind.role layer <> Role.Body then
            kind
        else
            $"{kind}{count}"

    /// The input's shape, unless it is tokens where numbers are wanted.
    let numbers name wanted shape =
        match shape with
        | Some(Shape.Tokens _) ->
            notes.Add(
                Fault.TokensWithoutEmbed,
                $"{root}/{name}",
                wanted,
                "token ids [T]",
                "put `embed` between the tokens and this layer"
            )

            None
        | _ -> shape

    let vector name remedy shape =
        let wanted = "one vector [n] per datapoint"

        match numbers name wanted shape with
        | Some(Shape.Vector width) -> Some width
        | Some shape ->
            notes.Add(Fault.VectorExpected, $"{root}/{name}", wanted, string shape, remedy)
            None
        | None -> None

    let sequence name remedy shape =
        let wanted = "a sequence [T, n]"

        match numbers name wanted shape with
        | Some(Shape.Sequence width) -> Some width
        | Some shape ->
            notes.Add(Fault.SequenceExpected, $"{root}/{name}", wanted, string shape, remedy)
            None
        | None -> None

    /// A layer that acts on a vector, or on a sequence step by step: its output where it is `width` wide.
    let eachStep name shape width =
        match numbers name "a vector [n] or a sequence [T, n]" shape, width with
        | Some(Shape.Sequence _), Some width -> Some(Shape.Sequence width)
        | Some(Shape.Vector _), Some width -> Some(Shape.Vector width)
        | _ -> None

    let checkChoose layer (modular: Modular) =
        if modular.Choose < 1 then
            notes.Add(
                Fault.KBelowOne,
                $"{root}/{layer}/choose",
                "K ≥ 1",
                $"K = {modular.Choose}",
                "choose at least one module"
            )
        elif modular.Pool.Modules >= 1 && modular.Choose > modular.Pool.Modules then
            notes.Add(
                Fault.KAboveM,
                $"{root}/{layer}/choose",
                $"K ≤ M = {modular.Pool.Modules}",
                $"K = {modular.Choose}",
                "choose fewer modules, or give the pool more"
            )

    /// The width that the K units give together, and the planned pool, where they can be known.
    let modular layer (modular: Modular) input =
        let unit = pools.UnitWidth(layer, modular.Pool)
        pools.CheckInput(layer, modular.Pool, input)
        checkChoose layer modular

        let output =
            match modular.Combine with
            | Sum -> unit
            | Concat when modular.Choose >= 1 -> unit |> Option.map (fun width -> modular.Choose * width)
            | Concat -> None

        let pool =
            match input, unit, modular.Pool.Unit with
            | Some input, Some width, Some unit ->
                Some {
                    Name = Option.defaultValue $"{layer}/pool" modular.Pool.Name
                    Modules = modular.Pool.Modules
                    Unit = unit
                    Input = input
                    Output = width
                }
            | _ -> None

        output, pool

    let modularGru layer (gru: ModularGru) input =
        let hidden = notes.Positive($"{root}/{layer}/hidden", "a width", gru.Hidden)
        let joined = Option.map2 (+) hidden input
        let candidate, pool = modular layer gru.Candidate joined

        match hidden, candidate with
        | Some hidden, Some candidate when hidden <> candidate ->
            let from =
                match gru.Candidate.Combine with
                | Sum -> "the unit's width"
                | Concat -> $"K = {gru.Candidate.Choose} units side by side"

            notes.Add(
                Fault.UnitUnlikeHidden,
                $"{root}/{layer}/hidden",
                $"units that give a state of width {hidden}",
                $"width {candidate}, {from}",
                $"make the unit's width or `hidden` fit the other"
            )
        | _ -> ()

        hidden, pool

    let embed name width shape =
        match shape with
        | Some(Shape.Vector _ | Shape.Sequence _ as shape) ->
            notes.Add(
                Fault.EmbedWithoutTokens,
                $"{root}/{name}",
                "token ids [T]",
                string shape,
                "begin the network with `tokens`, or leave `embed` out"
            )
        | _ -> ()

        notes.Positive($"{root}/{name}/width", "a width", width)

    let gaussian name variance shape =
        let width = vector name "use `softmax`, the head for sequences" shape

        let value =
            match variance with
            | Variance.Fixed value
            | Variance.Learned value -> value

        notes.PositiveReal(
            Fault.NonPositiveVariance,
            $"{root}/{name}/variance",
            "a variance",
            value,
            "give σ² in the square of the target's unit"
        )

        width

    /// The layer's output shape and pool, as far as they can be known, from its input shape.
    let infer name layer shape =
        let positive setting what value =
            notes.Positive($"{root}/{name}/{setting}", what, value)

        match layer with
        | Layer.Tokens size -> positive "vocabulary" "a vocabulary" size |> Option.map Shape.Tokens, None
        | Layer.Features width -> positive "width" "a width" width |> Option.map Shape.Vector, None
        | Layer.Embed width -> embed name width shape |> Option.map Shape.Sequence, None
        | Layer.Linear linear -> positive "width" "a width" linear.Width |> eachStep name shape, None
        | Layer.Activation _ -> numbers name "a vector [n] or a sequence [T, n]" shape, None
        | Layer.Modular settings ->
            let output, pool =
                vector name "use `modular_gru`, which chooses at every step" shape
                |> modular name settings

            Option.map Shape.Vector output, pool
        | Layer.ModularGru gru ->
            let output, pool =
                sequence name "begin with `tokens` and `embed`, or use `modular`" shape
                |> modularGru name gru

            Option.map Shape.Sequence output, pool
        | Layer.Softmax classes -> positive "classes" "a number of classes" classes |> eachStep name shape, None
        | Layer.Gaussian variance -> gaussian name variance shape |> Option.map Shape.Vector, None
        | Layer.Bernoulli ->
            vector name "use `softmax`, the head for sequences" shape
            |> Option.map Shape.Vector,
            None

    /// An input, then layers, then one head.
    let checkOrder index name layer (head: string option) =
        let first = network.Layers.Head
        let kind = Kind.ofLayer layer

        match Kind.role layer, head with
        | Role.Input, _ when index = 0 -> ()
        | Role.Input, _ when Kind.role first = Role.Input ->
            notes.Add(
                Fault.TwoInputs,
                $"{root}/{name}",
                $"one input, `{Kind.ofLayer first}` at the start",
                $"a second, `{kind}`",
                "leave one of them out"
            )
        | Role.Input, _ ->
            notes.Add(
                Fault.InputNotFirst,
                $"{root}/{name}",
                "the input at the start",
                $"`{kind}` at position {index + 1}",
                "move it to the start"
            )
        | Role.Head, Some head ->
            notes.Add(
                Fault.TwoHeads,
                $"{root}/{name}",
                $"one head, `{head}` at the end",
                $"a second, `{kind}`",
                "leave one of them out"
            )
        | Role.Body, Some head ->
            notes.Add(
                Fault.LayerAfterHead,
                $"{root}/{name}",
                $"nothing after the head `{head}`",
                $"`{kind}`",
                "move the head to the end"
            )
        | _ -> ()

    let isA role layer = Kind.role layer = role

    let walk layers =
        if not (List.exists (isA Role.Input) layers) then
            notes.Add(
                Fault.NoInput,
                root,
                "an input at the start",
                $"`{Kind.ofLayer layers.Head}`",
                "begin with `tokens` or `features`"
            )

        let mutable shape = None
        let mutable head = None

        for index, layer in List.indexed layers do
            let name = nameOf layer
            checkOrder index name layer head
            let output, pool = infer name layer shape

            match (if isA Role.Input layer then output else shape), output with
            | Some input, Some output ->
                planned.Add {
                    Name = name
                    Layer = layer
                    Input = input
                    Output = output
                    Pool = pool
                }
            | _ -> ()

            if isA Role.Head layer then
                head <- Option.orElse (Some name) head

            // After a head there is nothing to read, so what follows is judged by itself.
            shape <- if head.IsSome then None else output

        if head.IsNone then
            notes.Add(
                Fault.NoHead,
                root,
                "a head at the end",
                $"`{Kind.ofLayer (List.last layers)}`",
                "end with `softmax`, `gaussian` or `bernoulli`"
            )

    do
        notes.Name(root, "network", network.Name)

        if network.Layers.IsEmpty then
            notes.Add(
                Fault.EmptyNetwork,
                root,
                "an input, layers and a head",
                "no layers",
                "begin with `tokens` or `features`, end with `softmax`, `gaussian` or `bernoulli`"
            )
        else
            walk network.Layers

    /// The first component of every place.
    member _.Root = root

    /// The layers whose shapes are known: all of them, where nothing was noted.
    member _.Plan: Plan =
        let layers = List.ofSeq planned

        {
            Network = network
            Layers = layers
            Pools = layers |> List.choose _.Pool |> List.distinctBy _.Name
        }
