namespace ModNet.Generators

open System.Collections.Generic
open ModNet

/// A chain somewhere in a sound network.
type internal ChainPlace = {
    /// What stands before its layers' names: `residual1/`; nothing at the top.
    Prefix: string
    Layers: Layer list
    /// Its input, then what each layer gives. At the top the input layer's output stands for its input too.
    Shapes: Shape list
    IsTop: bool
    InModule: bool
    /// Whether it must stay the single linear map that `Gather` and `Kernel` want.
    IsGathered: bool
    /// The index of the network's own layer that it is in.
    Top: int
    Replace: Layer list -> Network
}

/// A modular layer's settings somewhere in a sound network.
type internal ModularPlace = {
    Name: string
    Modular: Modular
    /// What the layer reads.
    Input: Shape
    /// What the controller reads.
    Row: Shape
    IsGru: bool
    IsFold: bool
    Top: int
    Replace: Modular -> Network
}

/// A pool somewhere in a sound network.
type internal PoolPlace = {
    Name: string
    Pool: Pool
    /// What it reads first, and what it gives then.
    Row: Shape
    Output: Shape
    /// The layers that choose from it, in order; a repetition's as in its first round.
    Users: ModularPlace list
    Replace: Pool -> Network
}

/// All places of a sound network, in the order in which `check` comes by; of repetitions the first round.
type internal Places = { Network: Network; Chains: ChainPlace list; Modulars: ModularPlace list; Pools: PoolPlace list }

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module internal Places =

    /// Whether a network may hold several of its kind side by side.
    let private isNumbered layer =
        match layer with
        | Layer.Tokens _
        | Layer.Features _
        | Layer.Sequence _
        | Layer.Image _
        | Layer.Tasks _
        | Layer.EmbedColumns _
        | Layer.Softmax _
        | Layer.Categorical
        | Layer.Gaussian _
        | Layer.Bernoulli -> false
        | _ -> true

    /// The names of layers side by side: a block's own, kind and number for others; inputs and heads are numbered from the
    /// second on.
    let names (layers: Layer list) =
        let next counts layer =
            match layer with
            | Layer.Block(name, _) -> name, counts
            | layer ->
                let kind = Kind.ofLayer layer, isNumbered layer
                let count = 1 + (Map.tryFind kind counts |> Option.defaultValue 0)

                let name = if count = 1 && not (isNumbered layer) then fst kind else $"{fst kind}{count}"

                name, Map.add kind count counts

        List.mapFold next Map.empty layers |> fst

    let private replaceAt index item items = List.mapi (fun at old -> if at = index then item else old) items

    let private unitPrefix name (pool: Pool) index =
        match pool.Units with
        | [ _ ] -> $"{name}/unit/"
        | _ -> $"{name}/unit{index}/"

    /// Walks a network that is sound.
    let ofNetwork (network: Network) : Places =
        let chains = ResizeArray<ChainPlace>()
        let modulars = ResizeArray<ModularPlace>()
        let pools = ResizeArray<PoolPlace>()
        let met = HashSet<string>()

        let known = Typing.Known(Typing.taskIds network)

        let isGathered (user: Modular) =
            match user.Pool.Name with
            | None -> user.Dispatch.IsForLinear
            | name ->
                LayerTree.all network.Layers
                |> List.choose _.Choosing
                |> List.exists (fun modular -> modular.Pool.Name = name && modular.Dispatch.IsForLinear)

        let give layer shape =
            match Typing.layer known false layer shape with
            | Some output -> output
            | None ->
                // In modules there are no choices, and nothing else makes a difference there.
                invalidArg
                    (nameof network)
                    $"expected a sound network, got one whose {Kind.ofLayer layer} does not read {shape}"

        let rec chain prefix isTop inModule gathered top (layers: Layer list) shape (replace: Layer list -> Network) =
            let names = names layers

            let outputs =
                layers
                |> List.scan
                    (fun shape layer ->
                        match Typing.input layer with
                        | Some input -> input
                        | None when not (isNumbered layer || layer.IsEmbedColumns) -> shape
                        | None -> give layer shape)
                    shape

            chains.Add {
                Prefix = prefix
                Layers = layers
                Shapes = outputs
                IsTop = isTop
                InModule = inModule
                IsGathered = gathered
                Top = top
                Replace = replace
            }

            for index, (layer, name, input) in List.indexed (List.zip3 layers names (List.take layers.Length outputs)) do
                let top = if isTop then index else top
                let instead layer = replace (replaceAt index layer layers)
                inside (prefix + name) inModule gathered top layer input instead

        and inside name inModule gathered top layer input instead =
            let reading input part layers replace =
                chain $"{name}/{part}" false inModule gathered top layers input (replace >> instead)

            let within = reading input
            let halved = reading (Typing.half input |> Option.defaultValue input) ""

            let branches make (branches: Layer list list) =
                for index, branch in List.indexed branches do
                    within $"{index + 1}/" branch (fun layers -> make (replaceAt index layers branches))

            match layer with
            | Layer.Residual layers -> within "" layers Layer.Residual
            | Layer.Coupling layers -> halved layers Layer.Coupling
            | Layer.Uncoupling layers -> halved layers Layer.Uncoupling
            | Layer.Block(own, layers) -> within "" layers (fun layers -> Layer.Block(own, layers))
            | Layer.Repeat(times, layers) -> within "1/" layers (fun layers -> Layer.Repeat(times, layers))
            | Layer.SumOf list -> branches Layer.SumOf list
            | Layer.ConcatOf list -> branches Layer.ConcatOf list
            | Layer.Modular settings ->
                modular name settings input (Typing.row input) None top (Layer.Modular >> instead)
            | Layer.ModularGru gru ->
                let row =
                    match input with
                    | Shape.Sequence width -> Shape.Vector(gru.Hidden + width)
                    | other -> other

                let replace settings = instead (Layer.ModularGru { gru with Candidate = settings })

                modular name gru.Candidate input row (Some gru) top replace
            | _ -> ()

        and modular name settings input row (gru: ModularGru option) top (replace: Modular -> Network) =
            let read = Typing.unitsRow settings row

            modulars.Add {
                Name = name
                Modular = settings
                Input = input
                Row = row
                IsGru = gru.IsSome
                IsFold = gru |> Option.exists (fun gru -> not gru.Gated)
                Top = top
                Replace = replace
            }

            match settings.Pool.Name with
            | None ->
                let instead pool = replace { settings with Pool = pool }
                poolAt $"{name}/pool" settings read top instead
            | Some shared ->
                if met.Add shared then
                    poolAt shared settings read top (fun pool -> LayerTree.sharedPool shared (fun _ -> pool) network)

        and poolAt name settings row top (replace: Pool -> Network) =
            let pool = settings.Pool

            pools.Add {
                Name = name
                Pool = pool
                Row = row
                Output = (Typing.unitOutput known pool row).Value
                Users = []
                Replace = replace
            }

            for index, unit in List.indexed pool.Units do
                let instead unit = replace { pool with Units = replaceAt index unit pool.Units }

                chain (unitPrefix name pool index) false true (isGathered settings) top unit row instead

        let first =
            network.Layers
            |> List.tryPick Typing.input
            |> Option.defaultWith (fun () ->
                invalidArg (nameof network) "expected a sound network, got one without an input")

        chain "" true false false 0 network.Layers first (fun layers -> { network with Layers = layers })
        let modulars = List.ofSeq modulars

        {
            Network = network
            Chains = List.ofSeq chains
            Modulars = modulars
            Pools = [
                for place in pools do
                    {
                        place with
                            Users =
                                modulars
                                |> List.filter (fun user ->
                                    match place.Pool.Name with
                                    | Some _ -> user.Modular.Pool.Name = place.Pool.Name
                                    | None -> place.Name = $"{user.Name}/pool")
                    }
            ]
        }
