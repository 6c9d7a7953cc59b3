namespace ModNet.Generators

open FsCheck
open FsCheck.FSharp
open ModNet

/// Layers and chains from one shape to another: type-directed, so that whatever comes out is sound.
[<RequireQualifiedAccess>]
module internal Grammar =

    let private isShaped (shape: Shape) = not shape.IsTokens

    /// Sizes of one to three digits that multiply to a number.
    let private digits number =
        let rec more left rest =
            gen {
                if left = 0 then
                    return [ rest ]
                else
                    let! size =
                        Gen.elements [
                            for size in 1..rest do
                                if rest % size = 0 then size
                        ]

                    let! others = more (left - 1) (rest / size)
                    return size :: others
            }

        Gen.choose (0, 2) |> Gen.bind (fun left -> more left number)

    /// The form of p(a | x) over a row.
    let controller (context: Context) row choose modules =
        Gen.frequency [
            4, Gen.constant Linear
            2,
            gen {
                let! depth = Gen.choose (1, 2)
                let! hidden = Gen.choose (1, context.Limits.Width) |> Gen.listOfLength depth
                return Mlp hidden
            }
            (match row with
             | Shape.Image(_, height, width) ->
                 2,
                 gen {
                     let! channels = Gen.choose (1, context.Limits.Channels)
                     let! kernel = Gen.choose (1, min height width)
                     return Conv(channels, kernel)
                 }
             | _ -> 0, Gen.constant Linear)
            where context.Tasks.IsSome 3, Gen.constant Task
            where (context.Tasks = Some modules && choose = 1) 3, Gen.constant ByTask
            2, digits modules |> Gen.map Factored
            1, Gen.constant Given
            1, Gen.constant () |> Gen.map (fun () -> Custom(CustomExamples.logits row choose modules))
        ]

    /// The settings beside pool, K and combination.
    let settings (context: Context) row (pool: Pool) choose combine =
        gen {
            let! controller = controller context row choose pool.Modules

            let! once = Gen.frequency [ 3, Gen.constant Every; where (combine = Sum) 1, Gen.constant Once ]

            let! stop = Gen.frequency [ 3, Gen.constant false; 1, Gen.constant true ]

            let! dispatch =
                Gen.elements [
                    Auto
                    Loop
                    Grouped
                    Wide
                    match pool.Units with
                    | [ [ Layer.Linear _ ] ] ->
                        Gather
                        Kernel
                    | _ -> ()
                ]

            // A method with a k of its own runs no more modules than may be chosen, so one masked module of many is enough.
            let! masked =
                if
                    controller = Given
                    || controller = ByTask
                    || controller.IsFactored
                    || pool.Modules < 4
                    || choose >= pool.Modules
                then
                    Gen.constant []
                else
                    Gen.frequency [ 4, Gen.constant []; 1, Gen.constant [ pool.Modules - 1 ] ]

            return {
                Pool = pool
                Choose = choose
                Combine = combine
                Controller = controller
                Duplicates = once
                StopGradient = stop
                Dispatch = dispatch
                Masked = masked
                Context = 0
                Halts = false
            }
        }

    /// With another number of features: width, or channels.
    let private featured features shape =
        match shape with
        | Shape.Image(_, height, width) -> Shape.Image(features, height, width)
        | other -> Typing.widened features other

    let features shape =
        match shape with
        | Shape.Tokens size
        | Shape.Vector size
        | Shape.Sequence size
        | Shape.Image(size, _, _) -> size

    /// How K units of a shape make another: by Sum, by Concat.
    let private combinations most output = [
        for choose in 1..most do
            Sum, choose, output

            if features output % choose = 0 then Concat, choose, featured (features output / choose) output
    ]

    /// Shared pools, K and combination for a row.
    let shared (context: Context) row = [
        for sharable in context.Shared do
            if Typing.isOneSignature sharable.Pool sharable.Row row then
                match Typing.unitOutput (Typing.Known None) sharable.Pool row with
                | Some unit ->
                    for choose in 1 .. min context.Limits.Choose sharable.Pool.Modules do
                        sharable.Pool, Sum, choose, unit
                        sharable.Pool, Concat, choose, featured (choose * features unit) unit
                | None -> ()
    ]

    let private inits = [ Uniform; Uniform; Glorot; He; Stacked ]

    /// The same chain with its blocks' names apart, by primes.
    let apart layers =
        let rename taken name =
            Seq.initInfinite (fun primes -> name + String.replicate primes "'")
            |> Seq.find (fun name -> not (Set.contains name taken))

        let next taken layer =
            match layer with
            | Layer.Block(name, inside) ->
                let name = rename taken name
                Layer.Block(name, inside), Set.add name taken
            | other -> other, taken

        List.mapFold next Set.empty layers |> fst

    /// A layer that leads from one shape to another.
    let rec layer (context: Context) (input: Shape) (output: Shape) : Gen<Layer> =
        let nests = context.Depth > 0
        let chooses = not context.InModule && isShaped input

        Steps.ways context input output
        @ [
            where (nests && input = output && isShaped input) 3, (fun () -> residual context output)
            where (nests && input = output && (Typing.half input).IsSome) 2, (fun () -> coupling context output)
            where nests 1, (fun () -> sumOf context input output)
            where nests 1, (fun () -> concatOf context input output)
            where nests 1, (fun () -> repetition context input output)
            where nests 1, (fun () -> block context input output)
            where chooses 4, (fun () -> modularLayer context input output)
            where (chooses && input.IsSequence) 3, (fun () -> modularGru context input output)
        ]
        |> weighted

    /// At least one layer, from one shape to another.
    and chain (context: Context) input output : Gen<Layer list> =
        let rec go left shape =
            if left = 0 then
                last context shape output
            else
                gen {
                    let! middle = Shapes.between context.Limits shape output
                    let! first = layer context shape middle
                    let! rest = go (left - 1) middle
                    return first :: rest
                }

        gen {
            let! before = Gen.choose (0, min 2 context.Limits.Layers)
            let! layers = go before input
            return apart layers
        }

    /// The layer, or two, that give what is wanted; two where an image becomes a vector.
    and private last context shape output =
        let one = layer context shape output |> Gen.map List.singleton

        match shape, output with
        | Shape.Image(channels, height, width), Shape.Vector _ ->
            let flat =
                layer context (Shape.Vector(channels * height * width)) output
                |> Gen.map (fun last -> [ Layer.Flatten; last ])

            Gen.frequency [ 2, flat; 1, one ]
        | _ -> one

    and private residual context shape = chain (Context.deeper context) shape shape |> Gen.map Layer.Residual

    and private coupling context shape =
        let part = (Typing.half shape).Value

        Gen.map2
            (fun layers isInverse -> (if isInverse then Layer.Uncoupling else Layer.Coupling) layers)
            (chain (Context.deeper context) part part)
            (Gen.elements [ false; true ])

    /// A branch; now and then x itself.
    and private branch context input output =
        let layers = chain (Context.deeper context) input output

        if input = output then Gen.frequency [ 1, Gen.constant []; 4, layers ] else layers

    and private sumOf context input output =
        gen {
            let! count = Gen.choose (1, 3)
            let! branches = branch context input output |> Gen.listOfLength count
            return Layer.SumOf branches
        }

    and private concatOf context input output =
        gen {
            let! widths = parts 3 (features output)

            let! branches =
                widths |> List.map (fun width -> branch context input (featured width output)) |> Gen.sequenceToList

            return Layer.ConcatOf branches
        }

    and private block context input output =
        gen {
            let! name = Gen.elements [ "stem"; "trunk"; "my block" ]
            let! layers = chain (Context.deeper context) input output
            return Layer.Block(name, layers)
        }

    /// Rounds read what the round before gave: either all read the output's shape, or a first layer takes any width.
    and private repetition context input output =
        let inside = Context.deeper context

        let gated (gate: Gen<Layer>) between =
            gen {
                let! times = Gen.choose (1, 3)
                let! first = gate
                let! rest = chain inside between output
                return Layer.Repeat(times, first :: rest)
            }

        match input, output with
        | _ when input = output ->
            gen {
                let! times = Gen.choose (1, 3)
                let! layers = chain inside input output
                return Layer.Repeat(times, layers)
            }
        | (Shape.Vector _ | Shape.Sequence _), _ ->
            gen {
                let! width = Gen.choose (1, context.Limits.Width)
                return! gated (Steps.linear width) (Typing.widened width input)
            }
        | Shape.Image(_, height, width), Shape.Image(_, height', width') when (height, width) = (height', width') ->
            gen {
                let! channels = Gen.choose (1, context.Limits.Channels)

                return! gated (Steps.point channels) (Shape.Image(channels, height, width))
            }
        | _ -> chain inside input output |> Gen.map (fun layers -> Layer.Repeat(1, layers))

    /// What a module is.
    and unit context row output : Gen<Layer list> =
        let inside = Context.inModule context

        match row, output with
        | Shape.Vector _, Shape.Vector width ->
            Gen.frequency [
                4, Steps.linear width |> Gen.map List.singleton
                1,
                gen {
                    let! hidden = Gen.choose (1, context.Limits.Width)
                    let (Chain layers) = mlp [ hidden; width ]
                    return layers
                }
                3, chain inside row output
            ]
        | _ -> chain inside row output

    /// A pool for a row, with at least this many modules.
    and pool (context: Context) name row output least : Gen<Pool> =
        gen {
            let! modules = Gen.choose (least, max least context.Limits.Modules)

            let! isMixed = Gen.frequency [ 3, Gen.constant false; where (modules > 1) 1, Gen.constant true ]

            let! units = unit context row output |> Gen.listOfLength (if isMixed then modules else 1)

            let! init =
                if List.exists (List.exists Typing.hasWeights) units then Gen.elements inits else Gen.constant Uniform

            return { Name = name; Modules = modules; Units = units; Init = init; Spread = false }
        }

    /// A layer that chooses for a row, whose last `aside` features are for the controller alone.
    and private modular (context: Context) row aside output : Gen<Modular> =
        let read = Typing.without aside row

        let with' pool choose combine =
            settings context row pool choose combine |> Gen.map (fun modular -> { modular with Context = aside })

        let own =
            gen {
                let! combine, choose, unit = combinations context.Limits.Choose output |> Gen.elements

                let! pool = pool context None read unit choose
                return! with' pool choose combine
            }

        match shared context read |> List.filter (fun (_, _, _, given) -> given = output) with
        | [] -> own
        | fitting ->
            let shared =
                gen {
                    let! pool, combine, choose, _ = Gen.elements fitting
                    return! with' pool choose combine
                }

            Gen.frequency [ 3, shared; 1, own ]

    and private modularLayer context input output =
        gen {
            let row = Typing.row input

            let! aside =
                match row with
                | Shape.Vector width when width > 1 -> Gen.frequency [ 4, Gen.constant 0; 1, Gen.choose (1, width - 1) ]
                | _ -> Gen.constant 0

            return! modular context row aside (Typing.row output) |> Gen.map Layer.Modular
        }

    /// The candidate reads [h, x].
    and private modularGru (context: Context) input output =
        gen {
            let hidden = features output

            let! candidate = modular context (Shape.Vector(hidden + features input)) 0 (Shape.Vector hidden)

            let! gated = Gen.frequency [ 3, Gen.constant true; 1, Gen.constant false ]
            return Layer.ModularGru { Hidden = hidden; Candidate = candidate; Gated = gated }
        }
