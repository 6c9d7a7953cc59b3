namespace ModNet

open System
open System.Collections.Generic

/// Where a walk is: what stands before the names of layers (`residual1/`, empty at the top), whether it is in a module, and
/// in how many layers.
type internal Scope = {
    Prefix: string
    InModule: bool
    Depth: int
}

/// Ends a walk over more layers than are counted; carries the place of the first beyond.
exception internal TooManyLayers of place: string

/// One walk over a network: names every layer, infers every shape, and notes every problem.
/// Where a shape cannot be known it is left open, so that one mistake is told once and not again at each layer after it.
type internal Infer(network: Network, notes: Notes) as this =

    /// More layers than this, repetitions unrolled, are a slip: a check must end.
    let layersLimit = 100_000

    /// So are layers within more layers than this, which would end in a stack overflow.
    let depthLimit = 100

    let root =
        if String.IsNullOrWhiteSpace network.Name then
            "network"
        else
            network.Name

    let rules = ShapeRules notes

    let pools =
        PoolLedger(
            root,
            notes,
            fun prefix layers row ->
                let scope = {
                    Prefix = prefix
                    InModule = true
                    Depth = 1
                }

                this.Chain(scope, layers, row)
        )

    let mutable layersSeen = 0
    let mutable tooDeep = false

    /// The first count of task ids that is said, and whether it is one.
    let mutable tasks: (int * int option) option = None

    /// A controller may ask for task ids wherever they stand; whether they stand right is told once, where they do.
    let hasTasks = network.Layers |> List.exists _.IsTasks

    // Places are made at every layer, for notes that are mostly not written: (+) takes a tenth of the time of $"…".
    let at name = root + "/" + name

    /// The layer's name, and a note if another layer beside it has it: a block, since all other names follow from position.
    let nameOf (names: LayerNames) scope layer =
        let own, isFree = names.Next layer
        let name = scope.Prefix + own

        if not isFree then
            notes.Add(
                Fault.DuplicateName,
                at name,
                "a name that is free here",
                $"`{own}`, which is taken",
                "give the block another name"
            )

        name

    let checkChoose layer (modular: Modular) =
        if modular.Choose < 1 then
            notes.Add(
                Fault.KBelowOne,
                $"{at layer}/choose",
                "K ≥ 1",
                $"K = {modular.Choose}",
                "choose at least one module"
            )
        elif modular.Pool.Modules >= 1 && modular.Choose > modular.Pool.Modules then
            notes.Add(
                Fault.KAboveM,
                $"{at layer}/choose",
                $"K ≤ M = {modular.Pool.Modules}",
                $"K = {modular.Choose}",
                "choose fewer modules, or give the pool more"
            )
        elif modular.Pool.Modules >= 1 then
            notes.Countable(at layer + "/choose", "K · M", int64 modular.Choose * int64 modular.Pool.Modules)
            |> ignore

    let checkRest layer (modular: Modular) row =
        ControllerRules.check notes (at layer + "/controller") row hasTasks modular

        if modular.Duplicates = Once && modular.Combine = Concat then
            notes.Add(
                Fault.OnceWithConcat,
                $"{at layer}/duplicates",
                "`Every` with `combine Concat`, where every position has its place",
                "`Once`",
                "say `combine Sum`, or leave `duplicates` out"
            )

        match modular.Dispatch, modular.Pool.Units with
        | Gather, ([] | [ [ Layer.Linear _ ] ]) -> ()
        | Gather, units ->
            let got =
                match units with
                | [ unit ] -> Kind.describeUnit unit
                | units -> $"{units.Length} mixed units"

            notes.Add(
                Fault.DispatchUnfit,
                $"{at layer}/dispatch",
                "a pool of equal linear units for `Gather`",
                got,
                "say `dispatch Auto`, or leave it out"
            )
        | _ -> ()

    /// What the K units give together for a row, and the planned pool, where they can be known.
    let modular layer (modular: Modular) row =
        let pool = pools.Plan(layer, modular.Pool, row)
        checkChoose layer modular

        let output =
            match modular.Combine, pool |> Option.map _.Output with
            | Concat, Some unit when modular.Choose >= 1 ->
                let units = int64 modular.Choose
                let place = at layer + "/combine"

                notes.Countable(place, "K · unit", units * ShapeRules.Values unit)
                |> Option.bind (fun total ->
                    match unit with
                    | Shape.Image(channels, height, width) ->
                        Some(Shape.Image(modular.Choose * channels, height, width))
                    | _ -> Some(Shape.Vector total))
            | Concat, _ -> None
            | Sum, unit -> unit

        checkRest layer modular row
        output, pool

    let modularLayer name settings shape =
        let input =
            rules.Numbers(at name, "a vector [n], a sequence [T, n] or an image [C, H, W]", shape)

        let output, pool = input |> Option.map ShapeRules.Row |> modular name settings

        match input, output with
        | Some(Shape.Sequence _), Some(Shape.Vector width) -> Some(Shape.Sequence width), pool
        | Some(Shape.Sequence _), Some other ->
            notes.Add(
                Fault.BadUnitOutput,
                at name,
                "units that give a vector [n] at every step",
                string other,
                "end the units with `flatten`"
            )

            None, pool
        | _ -> output, pool

    let modularGru name (gru: ModularGru) input =
        let hidden =
            if gru.Hidden >= 1 then
                Some gru.Hidden
            else
                let got = if gru.Hidden = 0 then "none" else string<int> gru.Hidden
                notes.Add(Fault.NonPositiveSize, at name + "/hidden", "a width ≥ 1", got, "say `hidden WIDTH`")
                None

        let joined =
            Option.map2 (fun h x -> int64<int> h + int64<int> x) hidden input
            |> Option.bind (fun width -> notes.Countable(at name, "a width of [h, x]", width))

        let candidate, pool =
            joined |> Option.map Shape.Vector |> modular name gru.Candidate

        match hidden, candidate with
        | Some hidden, Some candidate when candidate <> Shape.Vector hidden ->
            let from =
                match gru.Candidate.Combine with
                | Sum -> "the unit's output"
                | Concat -> $"K = {gru.Candidate.Choose} units side by side"

            notes.Add(
                Fault.UnitUnlikeHidden,
                $"{at name}/hidden",
                $"units that give a state [{hidden}]",
                $"{candidate}, {from}",
                "make the unit's width or `hidden` fit the other"
            )
        | _ -> ()

        hidden, pool

    /// What a recurrent layer reads, and what it gives where its state is so wide.
    let recurrent place remedy shape =
        let input = rules.Sequence(place, remedy, shape)
        let isMisplaced = Option.isSome shape && Option.isNone input

        let gives hidden =
            if isMisplaced then
                None
            else
                Option.map Shape.Sequence hidden

        input, gives

    let embed name width shape =
        let width = notes.Positive(at name + "/width", "a width", width)

        match shape with
        | Some(Shape.Tokens _)
        | None -> width
        | Some shape ->
            notes.Add(
                Fault.EmbedWithoutTokens,
                at name,
                "token ids [T]",
                string shape,
                "begin the network with `tokens`, or leave `embed` out"
            )

            None

    let custom name (custom: Custom) shape =
        CustomRules.check notes (at name) custom shape ""

        if not (ShapeRules.IsSound custom.Output) then
            notes.Add(
                Fault.NonPositiveSize,
                $"{at name}/gives",
                "sizes ≥ 1",
                string custom.Output,
                "give it positive numbers"
            )

            None
        else
            notes.Countable($"{at name}/gives", "a number of values", ShapeRules.Values custom.Output)
            |> Option.map (fun _ -> custom.Output)

    let gaussian name variance shape =
        let width = rules.Vector(at name, "use `softmax`, the head for sequences", shape)

        let value =
            match variance with
            | Variance.Fixed value
            | Variance.Learned value -> value

        notes.PositiveReal(
            Fault.NonPositiveVariance,
            $"{at name}/variance",
            "a variance",
            value,
            "give σ² in the square of the target's unit"
        )

        width

    let image name (channels, height, width) =
        let sizes =
            [ channels; height; width ]
            |> List.map (fun size -> notes.Positive(at name, "a size", size))

        if List.forall Option.isSome sizes then
            notes.Countable(at name, "a number of values", ShapeRules.Values(Shape.Image(channels, height, width)))
            |> Option.map (fun _ -> Shape.Image(channels, height, width))
        else
            None

    let flatten name shape =
        rules.Image(at name, shape)
        |> Option.map (fun (channels, height, width) -> Shape.Vector(channels * height * width))

    let inside scope name part = {
        scope with
            Prefix =
                match part with
                | Some part -> name + "/" + string<int> part + "/"
                | None -> name + "/"
            Depth = scope.Depth + 1
    }

    let isEmpty name what layers =
        if List.isEmpty layers then
            notes.Add(Fault.EmptyBlock, at name, what, "none", "put layers inside, or leave it out")

        List.isEmpty layers

    let residual scope name layers shape =
        let shape = rules.Numbers(at name, "numbers", shape)

        if isEmpty name "layers in the residual" layers then
            shape, []
        else
            let planned, output = this.Chain(inside scope name None, layers, shape)

            match shape, output with
            | Some shape, Some output when shape <> output ->
                notes.Add(
                    Fault.ResidualShape,
                    at name,
                    $"layers that give {shape}, the shape that comes in",
                    ShapeRules.Describe output,
                    "make the last layer inside give that shape"
                )
            | _ -> ()

            shape, [ planned ]

    /// What each branch gives, and its layers.
    let branches scope name branches shape =
        if isEmpty name "branches side by side" branches then
            [], []
        else
            branches
            |> List.mapi (fun index layers ->
                let planned, output = this.Chain(inside scope name (Some(index + 1)), layers, shape)
                rules.Numbers(at name + "/" + string<int>(index + 1), "numbers", output), planned)
            |> List.unzip

    let sumOf scope name layers shape =
        let outputs, planned = branches scope name layers shape
        rules.Same(at name, outputs), planned

    let concatOf scope name layers shape =
        let outputs, planned = branches scope name layers shape
        rules.Beside(at name, outputs), planned

    let repetition scope name times layers shape =
        if isEmpty name "layers in the repetition" layers then
            shape, []
        else
            match notes.Positive(at name + "/times", "a number of rounds", times) with
            | None -> shape, []
            | Some times ->
                let round index shape =
                    this.Chain(inside scope name (Some index), layers, shape)

                // One mistake inside is one mistake, however many rounds there are: after it they only tell the shape.
                let rec settle index before shape =
                    if index > times || Option.isNone shape || shape = before then
                        shape
                    else
                        let (_, output), _ = notes.Aside(fun () -> round index shape)
                        settle (index + 1) shape output

                let rec rounds index shape planned =
                    if index > times then
                        shape, List.rev planned
                    else
                        let before = notes.Count
                        let layers, output = round index shape

                        if notes.Count > before then
                            settle (index + 1) shape output, []
                        else
                            rounds (index + 1) output (layers :: planned)

                rounds 1 shape []

    let block scope name (own: string) layers shape =
        notes.Name(at name, "block", own)

        if own.Contains '.' then
            notes.Add(
                Fault.BadName,
                at name,
                "a block's name without `.`, which parameters' names have",
                $"`{own}`",
                "rename it"
            )

        if isEmpty name "layers in the block" layers then
            shape, []
        else
            let planned, output = this.Chain(inside scope name None, layers, shape)
            output, [ planned ]

    let checkTasks name count =
        match tasks with
        | Some(first, _) ->
            notes.Add(
                Fault.TwoInputs,
                at name,
                $"one `tasks`, of {first}",
                $"a second, of {count}",
                "leave one of them out"
            )
        | None -> tasks <- Some(count, notes.Positive($"{at name}/count", "a number of tasks", count))

    /// The layer's output shape, its pool and what is inside, as far as they can be known, from its input shape.
    let infer scope name layer shape =
        let place = at name

        let positive setting what value =
            notes.Positive(place + "/" + setting, what, value)

        let plain output = output, None, []

        match layer with
        | Layer.Tokens size -> positive "vocabulary" "a vocabulary" size |> Option.map Shape.Tokens |> plain
        | Layer.Features width -> positive "width" "a width" width |> Option.map Shape.Vector |> plain
        | Layer.Image(channels, height, width) -> image name (channels, height, width) |> plain
        | Layer.Tasks count ->
            checkTasks name count
            plain shape
        | Layer.Embed width -> embed name width shape |> Option.map Shape.Sequence |> plain
        | Layer.Linear linear ->
            let width = positive "width" "a width" linear.Width
            rules.EachStep(place, shape, width) |> plain
        | Layer.Conv conv ->
            let channels = positive "channels" "a number of channels" conv.Channels

            rules.Slide(place, "kernel", conv.Kernel, conv.Stride, conv.Padding, Some channels, shape)
            |> plain
        | Layer.MaxPool pooling
        | Layer.AvgPool pooling ->
            // Unless said the stride is the window, and its fault the same one.
            let stride =
                if pooling.Stride = pooling.Window then
                    max 1 pooling.Stride
                else
                    pooling.Stride

            rules.Slide(place, "window", pooling.Window, stride, 0, None, shape) |> plain
        | Layer.Flatten -> flatten name shape |> plain
        | Layer.Activation _
        | Layer.LayerNorm -> rules.Numbers(place, "numbers", shape) |> plain
        | Layer.BatchNorm ->
            if scope.InModule then
                notes.Add(
                    Fault.BatchNormInModule,
                    place,
                    "a module that treats every datapoint by itself",
                    "`batch_norm`",
                    "use `layer_norm`"
                )

            rules.Numbers(place, "numbers", shape) |> plain
        | Layer.Dropout rate ->
            if not (rate >= 0.0 && rate < 1.0) then
                notes.Add(
                    Fault.RateOutOfRange,
                    $"{place}/rate",
                    "0 ≤ rate < 1",
                    Numbers.ofFloat rate,
                    "give the probability with which a value is dropped"
                )

            rules.Numbers(place, "numbers", shape) |> plain
        | Layer.Gru hidden ->
            let hidden = positive "hidden" "a width" hidden


            let remedy =
                if scope.InModule then
                    "modules read a sequence step by step: use `linear`, or `modular_gru` around them"
                else
                    "begin with `tokens` and `embed`, or use `linear`"

            let _, gives = recurrent place remedy shape

            gives hidden |> plain
        | Layer.Modular _
        | Layer.ModularGru _ when scope.InModule ->
            notes.Add(
                Fault.ChoiceInModule,
                place,
                "a module that makes no choices itself",
                $"`{Kind.ofLayer layer}`",
                "put the modular layer into the network, before or after this one"
            )

            plain None
        | Layer.Modular settings ->
            let output, pool = modularLayer name settings shape
            output, pool, []
        | Layer.ModularGru gru ->
            let input, gives =
                recurrent place "begin with `tokens` and `embed`, or use `modular`" shape

            let hidden, pool = modularGru name gru input
            gives hidden, pool, []
        | Layer.Residual layers ->
            let output, planned = residual scope name layers shape
            output, None, planned
        | Layer.SumOf branches ->
            let output, planned = sumOf scope name branches shape
            output, None, planned
        | Layer.ConcatOf branches ->
            let output, planned = concatOf scope name branches shape
            output, None, planned
        | Layer.Repeat(times, layers) ->
            let output, planned = repetition scope name times layers shape
            output, None, planned
        | Layer.Block(own, layers) ->
            let output, planned = block scope name own layers shape
            output, None, planned
        | Layer.Custom spec -> custom name spec shape |> plain
        | Layer.Softmax classes ->
            let classes = positive "classes" "a number of classes" classes
            rules.EachStep(place, shape, classes) |> plain
        | Layer.Gaussian variance -> gaussian name variance shape |> Option.map Shape.Vector |> plain
        | Layer.Bernoulli ->
            rules.Vector(place, "use `softmax`, the head for sequences", shape)
            |> Option.map Shape.Vector
            |> plain

    let needsTasks layer =
        match layer with
        | Layer.Modular { Controller = Task }
        | Layer.ModularGru { Candidate = { Controller = Task } } -> Option.bind snd tasks
        | _ -> None

    /// Infers a layer and plans it where all shapes are known.
    let step scope (planned: ResizeArray<PlannedLayer>) name layer shape =
        layersSeen <- layersSeen + 1

        if layersSeen > layersLimit then
            raise (TooManyLayers(at name))

        let output, pool, inside = infer scope name layer shape

        match (if Kind.role layer = Role.Input then output else shape), output with
        | Some input, Some output ->
            planned.Add {
                Name = name
                Layer = layer
                Input = input
                Output = output
                Pool = pool
                Tasks = needsTasks layer
                Inside = inside
            }
        | _ -> ()

        output

    let order = LayerOrder(root, network.Layers, notes)

    let top = {
        Prefix = ""
        InModule = false
        Depth = 0
    }

    let walk layers =
        let planned = ResizeArray<PlannedLayer>()
        let names = LayerNames.AtTop
        let mutable shape = None
        let mutable head = None
        order.Begin()

        for index, layer in List.indexed layers do
            let name = nameOf names top layer
            order.Check(index, name, layer, head)
            let output = step top planned name layer shape

            if Kind.role layer = Role.Head then
                head <- Option.orElse (Some name) head

            // After a head there is nothing to read, so what follows is judged by itself.
            shape <- if head.IsSome then None else output

        order.End head
        List.ofSeq planned

    let layers =
        lazy
            (notes.Name(root, "network", network.Name)

             if network.Layers.IsEmpty then
                 order.Empty()
                 []
             else
                 try
                     walk network.Layers
                 with TooManyLayers place ->
                     notes.Add(
                         Fault.TooLarge,
                         place,
                         $"at most {Numbers.grouped (int64 layersLimit)} layers, repetitions unrolled",
                         "more",
                         "repeat less often"
                     )

                     [])

    /// The layers of a chain inside the network, planned, and what the chain gives.
    member private _.Chain(scope: Scope, layers: Layer list, shape: Shape option) : PlannedLayer list * Shape option =
        if scope.Depth > depthLimit then
            if not tooDeep then
                tooDeep <- true

                notes.Add(
                    Fault.TooLarge,
                    at (scope.Prefix.TrimEnd '/'),
                    $"at most {depthLimit} layers around a layer",
                    "more",
                    "say the inner ones one after the other"
                )

            [], None
        else
            let planned = ResizeArray<PlannedLayer>()
            let names = LayerNames.Inside
            let mutable shape = shape

            for layer in layers do
                let name = nameOf names scope layer

                if Kind.role layer = Role.Body then
                    shape <- step scope planned name layer shape
                else
                    notes.Add(
                        Fault.NotInside,
                        at name,
                        "a layer between input and head",
                        $"`{Kind.ofLayer layer}`",
                        "move it out, to the start or end of the network"
                    )

            List.ofSeq planned, shape

    /// The first component of every place.
    member _.Root = root

    /// The layers whose shapes are known: all of them, where nothing was noted.
    member _.Plan: Plan =
        let layers = layers.Value

        let rec pools (layer: PlannedLayer) =
            Option.toList layer.Pool @ (layer.Inside |> List.concat |> List.collect pools)

        {
            Network = network
            Layers = layers
            Pools = layers |> List.collect pools |> List.distinctBy _.Name
        }
