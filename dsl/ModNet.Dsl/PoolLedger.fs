namespace ModNet

open System
open System.Collections.Generic

/// What a walk has seen of each pool. `walk` infers a chain of layers at a place, as a module, from a row's shape.
type internal PoolLedger
    (root: string, notes: Notes, walk: string -> Layer list -> Shape option -> PlannedLayer list * Shape option) =

    /// Assignments hold a choice in two bytes at most.
    let modulesLimit = 65_536

    /// By name: the pool, its first user, and how it is planned for each shape of row.
    let pools =
        Dictionary<string, Pool * string * Dictionary<Shape, PlannedPool option>>()

    let describe (pool: Pool) =
        let units =
            match pool.Units with
            | [] -> "no unit"
            | [ unit ] -> Kind.describeUnit unit
            | units -> units |> List.map Kind.describeUnit |> String.concat ", "

        let init = if pool.Init = Uniform then "" else $", init {pool.Init}"
        $"{pool.Modules} modules of {units}{init}"

    /// Where a pool's unit i stands, relative to the network.
    let unitPath path (pool: Pool) index =
        match pool.Units with
        | [ _ ] -> $"{path}/unit"
        | _ -> $"{path}/unit{index + 1}"

    let rec hasWeights layer =
        match layer with
        | Layer.Linear _
        | Layer.Conv _ -> true
        | Layer.Residual layers
        | Layer.Repeat(_, layers)
        | Layer.Block(_, layers) -> List.exists hasWeights layers
        | Layer.SumOf branches
        | Layer.ConcatOf branches -> List.exists (List.exists hasWeights) branches
        | _ -> false

    let checkItself path (pool: Pool) =
        let place = $"{root}/{path}"

        let nothing = pool.Name.IsNone && pool.Modules = 0 && pool.Units.IsEmpty

        if pool.Modules < 1 && not nothing then
            let got = if pool.Modules = 0 then "none" else $"M = {pool.Modules}"
            notes.Add(Fault.MBelowOne, $"{place}/modules", "M ≥ 1", got, "say `modules M`")
        elif pool.Modules > modulesLimit then
            notes.Add(
                Fault.MAboveLimit,
                $"{place}/modules",
                $"M ≤ {Numbers.grouped (int64 modulesLimit)}",
                $"M = {Numbers.grouped (int64 pool.Modules)}",
                "give the pool fewer modules"
            )

        match pool.Units with
        | [] when nothing ->
            notes.Add(
                Fault.NoPool,
                place,
                "a pool of modules",
                "none",
                "say `from POOL`, or `modules M` and `unit (linear …)`"
            )
        | [] -> notes.Add(Fault.NoUnit, $"{place}/unit", "what each module is", "nothing", "say `unit (linear …)`")
        | units when units.Length > 1 && units.Length <> pool.Modules ->
            notes.Add(
                Fault.UnitsUnlikeM,
                $"{place}/unit",
                $"one unit for all, or M = {pool.Modules} of them",
                $"{units.Length} units",
                "leave `modules` out: `mixed` counts them"
            )
        | _ -> ()

        if
            pool.Init <> Uniform
            && not pool.Units.IsEmpty
            && not (List.exists (List.exists hasWeights) pool.Units)
        then
            notes.Add(
                Fault.InitWithoutWeights,
                $"{place}/init",
                "modules with linear maps or convolutions",
                describe { pool with Init = Uniform },
                "leave `init` out"
            )

    let agree path (pool: Pool) (outputs: Shape option list) =
        let at index = $"{root}/{unitPath path pool index}"

        for index, output in List.indexed outputs do
            match output, outputs.Head with
            | Some(Shape.Sequence _ | Shape.Tokens _ as shape), _ ->
                notes.Add(
                    Fault.BadUnitOutput,
                    at index,
                    "a module that gives a vector [n] or an image [C, H, W]",
                    string shape,
                    "end it with a layer that gives one"
                )
            | Some shape, Some first when shape <> first ->
                notes.Add(
                    Fault.UnitsDisagree,
                    at index,
                    $"{first}, which unit 1 gives",
                    string shape,
                    "make all modules of the pool give one shape"
                )
            | _ -> ()

        let given = outputs |> List.choose id |> List.distinct

        match given with
        | [ Shape.Vector _ | Shape.Image _ as shape ] when List.forall Option.isSome outputs -> Some shape
        | _ -> None

    /// The modules' layers and shapes for rows of one shape.
    let planUnits path name (pool: Pool) (row: Shape option) =
        let walked =
            pool.Units
            |> List.mapi (fun index unit ->
                let path = unitPath path pool index

                if unit.IsEmpty then
                    notes.Add(
                        Fault.EmptyBlock,
                        $"{root}/{path}",
                        "layers in the module",
                        "none",
                        "say what it is, such as `linear 8`"
                    )

                walk $"{path}/" unit row)

        if walked.IsEmpty then
            None
        else
            match row, agree path pool (List.map snd walked) with
            | Some row, Some output ->
                Some {
                    Name = name
                    Pool = pool
                    Input = row
                    Output = output
                    Units = List.map fst walked
                }
            | _ -> None

    /// The shapes of all parameters that a module has: what makes its weights fit another shape of input.
    let rec parameters (layers: PlannedLayer list) =
        layers
        |> List.collect (fun layer ->
            match layer.Layer, layer.Input with
            | Layer.Conv _, Shape.Image(channels, _, _) -> [ Shape.Vector channels ]
            | (Layer.Linear _ | Layer.LayerNorm | Layer.Custom _), input -> [ input ]
            | _ -> List.collect parameters layer.Inside)

    let signature (planned: PlannedPool) = List.map parameters planned.Units

    let reuse path name (pool: Pool) user (uses: Dictionary<Shape, PlannedPool option>) row layer =
        match uses.TryGetValue row with
        | true, planned -> planned
        | _ ->
            let planned, problems = notes.Aside(fun () -> planUnits path name pool (Some row))

            let fits, earlier =
                match Seq.tryHead uses.Values, planned with
                | Some(Some first), Some planned ->
                    not problems && signature first = signature planned, string first.Input
                | Some(Some first), None -> false, string first.Input
                // What its first user gave it is not known.
                | _ -> true, ""

            if not fits then
                notes.Add(
                    Fault.PoolSignatures,
                    $"{root}/{layer}/from",
                    $"an input {earlier}, which pool `{name}` reads in {user}",
                    string row,
                    "make the two inputs alike, or use two pools"
                )

            let planned = if fits then planned else None
            uses[row] <- planned
            planned

    /// The layer's pool for rows of this shape. A shared pool's own problems are told once, at its first use; every later
    /// use must be of the same pool and signature.
    member _.Plan(layer: string, pool: Pool, row: Shape option) : PlannedPool option =
        match pool.Name with
        | None ->
            checkItself $"{layer}/pool" pool
            planUnits $"{layer}/pool" $"{layer}/pool" pool row
        | Some name ->
            match pools.TryGetValue name with
            | true, (first, user, uses) ->
                if first <> pool then
                    notes.Add(
                        Fault.PoolNameTaken,
                        $"{root}/{layer}/from",
                        $"pool `{name}` as in {user} ({describe first})",
                        $"another `{name}` ({describe pool})",
                        "give one of the two its own name"
                    )

                    notes.Aside(fun () -> planUnits name name pool row) |> fst
                else
                    row |> Option.bind (fun row -> reuse name name pool user uses row layer)
            | _ ->
                let uses = Dictionary<Shape, PlannedPool option>()
                pools[name] <- (pool, layer, uses)
                notes.Name($"{root}/{name}", "pool", name)
                checkItself name pool
                let planned = planUnits name name pool row
                row |> Option.iter (fun row -> uses[row] <- planned)
                planned
