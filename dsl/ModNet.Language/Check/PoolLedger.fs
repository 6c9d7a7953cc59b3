namespace ModNet

open System
open System.Collections.Generic

/// What a walk has seen of a pool. The first user is the first layer that it could be planned for, with its plan.
type internal PoolUses = {
    Pool: Pool
    /// The layer that named it first.
    Namer: string
    mutable First: (string * PlannedPool) option
    /// How it is planned for each shape of row.
    Plans: Dictionary<Shape, PlannedPool option>
    /// Other pools of its name.
    Others: HashSet<Pool>
}

/// What a walk has seen of each pool. `walk` infers a chain of layers at a place, as a module, from a row's shape.
type internal PoolLedger
    (root: string, notes: Notes, walk: string -> Layer list -> Shape option -> PlannedLayer list * Shape option) =

    let pools = Dictionary<string, PoolUses>()

    let describe (pool: Pool) =
        let units =
            match pool.Units with
            | [] -> "no unit"
            | [ unit ] -> Kind.describeUnit unit
            | units -> units |> List.map Kind.describeUnit |> String.concat ", "

        let init = if pool.Init = Uniform then "" else $", init {pool.Init}"
        let spread = if pool.Spread then ", spread" else ""
        $"{pool.Modules} modules of {units}{init}{spread}"

    /// Where a pool's unit i, counted from 0 as its module is, stands, relative to the network.
    let unitPath path (pool: Pool) index =
        match pool.Units with
        | [ _ ] -> path + "/unit"
        | _ -> path + "/unit" + string<int> index

    let hasWeights (layers: Layer list) =
        LayerTree.all layers
        |> List.exists (function
            | Layer.Linear _
            | Layer.Conv _
            | Layer.ConvTranspose _ -> true
            | _ -> false)

    let checkItself path (pool: Pool) =
        let place = root + "/" + path

        let nothing = pool.Name.IsNone && pool.Modules = 0 && pool.Units.IsEmpty

        if pool.Modules < 1 && not nothing then
            let got = if pool.Modules = 0 then "none" else $"M = {pool.Modules}"
            notes.Add(Fault.MBelowOne, $"{place}/modules", "M ≥ 1", got, "say `modules M`")
        elif pool.Modules > Counts.mostModules then
            notes.Add(
                Fault.MAboveLimit,
                $"{place}/modules",
                $"M ≤ {Numbers.grouped (int64 Counts.mostModules)}",
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
        | units when units.Length > 1 && pool.Modules >= 1 && units.Length <> pool.Modules ->
            notes.Add(
                Fault.UnitsUnlikeM,
                $"{place}/unit",
                $"one unit for all, or M = {pool.Modules} of them",
                $"{units.Length} units",
                "leave `modules` out: `mixed` counts them"
            )
        | _ -> ()

        match pool.Units with
        | []
        | [ [ Layer.Linear _ ] ] -> ()
        | units when pool.Spread ->
            let got =
                match units with
                | [ unit ] -> Kind.describeUnit unit
                | units -> $"{units.Length} mixed units"

            notes.Add(
                Fault.SpreadUnfit,
                $"{place}/spread",
                "equal modules of one `linear` layer, which can live on ranks",
                got,
                "leave `spread` out, or make each module one `linear` layer"
            )
        | _ -> ()

        if pool.Init <> Uniform && not pool.Units.IsEmpty && not (List.exists hasWeights pool.Units) then
            notes.Add(
                Fault.InitWithoutWeights,
                $"{place}/init",
                "modules with linear maps or convolutions",
                describe { pool with Init = Uniform },
                "leave `init` out"
            )

    let agree path (pool: Pool) (outputs: Shape option list) =
        let at index = $"{root}/{unitPath path pool index}"

        let isGood output =
            match output with
            | Some(Shape.Vector _ | Shape.Image _) -> true
            | _ -> false

        let model = List.tryFindIndex isGood outputs

        for index, output in List.indexed outputs do
            match output, model with
            | Some shape, _ when not (isGood output) ->
                notes.Add(
                    Fault.BadUnitOutput,
                    at index,
                    "a module that gives a vector [n] or an image [C, H, W]",
                    ShapeRules.Describe shape,
                    "end it with a layer that gives one"
                )
            | Some shape, Some model when output <> outputs[model] ->
                notes.Add(
                    Fault.UnitsDisagree,
                    at index,
                    $"{outputs[model].Value}, which unit {model} gives",
                    string shape,
                    "make all modules of the pool give one shape"
                )
            | _ -> ()

        match model with
        | Some model when List.forall ((=) outputs[model]) outputs -> outputs[model]
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

                walk (path + "/") unit row)

        if walked.IsEmpty then
            None
        else
            match row, agree path pool (List.map snd walked) with
            | Some row, Some output ->
                Some { Name = name; Pool = pool; Input = row; Output = output; Units = List.map fst walked }
            | _ -> None

    /// The shapes of all parameters that a module has: what makes its weights fit another shape of input.
    let rec parameters (layers: PlannedLayer list) =
        layers
        |> List.collect (fun layer ->
            match layer.Layer, layer.Input with
            | (Layer.Conv _ | Layer.ConvTranspose _), Shape.Image(channels, _, _) -> [ Shape.Vector channels ]
            | (Layer.Linear _ | Layer.LayerNorm | Layer.Custom _), input -> [ input ]
            | _ -> List.collect parameters layer.Inside)

    let signature (planned: PlannedPool) = List.map parameters planned.Units

    let firstUse layer name (pool: Pool) row =
        let uses = { Pool = pool; Namer = layer; First = None; Plans = Dictionary(); Others = HashSet() }

        pools[name] <- uses
        // A name that breaks places apart is no place.
        notes.Name(root + "/" + layer + "/from", "pool", name)
        checkItself name pool
        let planned = planUnits name name pool row
        uses.First <- planned |> Option.map (fun planned -> layer, planned)
        row |> Option.iter (fun row -> uses.Plans[row] <- planned)
        planned

    /// A use of the pool for a shape of row that it has not been planned for.
    let planAgain layer name (uses: PoolUses) row =
        let planned, problems = notes.Aside(fun () -> planUnits name name uses.Pool (Some row))

        match uses.First, planned with
        | Some(_, first), Some again when problems.IsEmpty && signature first = signature again -> planned
        | Some(user, first), _ ->
            notes.Add(
                Fault.PoolSignatures,
                $"{root}/{layer}/from",
                $"an input {first.Input}, which pool `{name}` reads in {user}",
                string row,
                "make the two inputs alike, or use two pools"
            )

            None
        | None, _ ->
            // What its first users gave it was not known, so that only now its modules' problems with it are.
            if uses.Plans.Count = 0 then notes.AddNew problems

            uses.First <- planned |> Option.map (fun planned -> layer, planned)
            planned

    let reuse layer name (uses: PoolUses) row =
        match uses.Plans.TryGetValue row with
        | true, planned -> planned
        | _ ->
            let planned = planAgain layer name uses row
            uses.Plans[row] <- planned
            planned

    let otherOfName layer name (uses: PoolUses) (pool: Pool) row =
        if uses.Others.Add pool then
            notes.Add(
                Fault.PoolNameTaken,
                $"{root}/{layer}/from",
                $"pool `{name}` as in {uses.Namer} ({describe uses.Pool})",
                $"another `{name}` ({describe pool})",
                "give one of the two its own name"
            )

        notes.Aside(fun () -> planUnits name name pool row) |> fst

    /// The layer's pool for rows of this shape. A shared pool's own problems are told once, at its first use; every later
    /// use must be of the same pool and signature.
    member _.Plan(layer: string, pool: Pool, row: Shape option) : PlannedPool option =
        match pool.Name with
        | None ->
            let path = layer + "/pool"
            checkItself path pool
            planUnits path path pool row
        | Some name ->
            match pools.TryGetValue name with
            // A pool with NaN in it is unlike itself.
            | true, uses when obj.ReferenceEquals(uses.Pool, pool) || uses.Pool = pool ->
                row |> Option.bind (reuse layer name uses)
            | true, uses -> otherOfName layer name uses pool row
            | _ -> firstUse layer name pool row
