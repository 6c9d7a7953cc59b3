namespace ModNet

open System.Collections.Generic

/// What a walk has seen of each shared pool: the pool and its first user, and the input width and the first to give one.
type internal PoolLedger(root: string, notes: Notes) =

    let pools = Dictionary<string, Pool * string>()
    let inputs = Dictionary<string, int * string>()

    let describe (pool: Pool) =
        match pool.Unit with
        | None -> $"{pool.Modules} modules of no unit"
        | Some(PoolUnit.Linear linear) -> $"{pool.Modules} modules of {Kind.describe linear}"

    let checkItself place (pool: Pool) =
        if pool.Name.IsNone && pool.Modules = 0 && pool.Unit.IsNone then
            notes.Add(
                Fault.NoPool,
                place,
                "a pool of modules",
                "none",
                "say `from POOL`, or `modules M` and `unit (linear …)`"
            )

            None
        else
            if pool.Modules < 1 then
                let got = if pool.Modules = 0 then "none" else $"M = {pool.Modules}"
                notes.Add(Fault.MBelowOne, $"{place}/modules", "M ≥ 1", got, "say `modules M`")

            match pool.Unit with
            | None ->
                notes.Add(Fault.NoUnit, $"{place}/unit", "what each module is", "nothing", "say `unit (linear …)`")
                None
            | Some(PoolUnit.Linear linear) -> notes.Positive($"{place}/unit", "a unit width", linear.Width)

    /// The width of the pool's unit, where it says a usable one. A shared pool's own problems are told once, at its
    /// first use; every later use must be of the same pool.
    member _.UnitWidth(layer: string, pool: Pool) =
        match pool.Name with
        | None -> checkItself $"{root}/{layer}/pool" pool
        | Some name ->
            match pools.TryGetValue name with
            | true, (first, user) ->
                if first <> pool then
                    notes.Add(
                        Fault.PoolNameTaken,
                        $"{root}/{layer}/from",
                        $"pool `{name}` as in {user} ({describe first})",
                        $"another `{name}` ({describe pool})",
                        "give one of the two its own name"
                    )

                match pool.Unit with
                | Some(PoolUnit.Linear linear) when linear.Width >= 1 -> Some linear.Width
                | _ -> None
            | _ ->
                pools[name] <- (pool, layer)
                notes.Name($"{root}/{name}", "pool", name)
                checkItself $"{root}/{name}" pool

    /// Holds every use of a shared pool to one input width.
    member _.CheckInput(layer: string, pool: Pool, width: int option) =
        match pool.Name, width with
        | Some name, Some width ->
            match inputs.TryGetValue name with
            | true, (first, user) ->
                if first <> width then
                    notes.Add(
                        Fault.PoolInputWidths,
                        $"{root}/{layer}/from",
                        $"an input of width {first}, which pool `{name}` reads in {user}",
                        $"width {width}",
                        "make the two inputs equally wide, or use two pools"
                    )
            | _ -> inputs[name] <- (width, layer)
        | _ -> ()
