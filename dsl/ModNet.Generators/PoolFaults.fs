namespace ModNet.Generators

open ModNet

/// Faults of pools, at every pool where they stay alone.
[<RequireQualifiedAccess>]
module internal PoolFaults =

    let private nothing = ModularLayer.own 0 []

    /// Whether all that use the pool would take any number of modules, and any units.
    let private takesAnyM (place: PoolPlace) =
        place.Users
        |> List.forall (fun user ->
            not (
                user.Modular.Controller.IsCustom
                || user.Modular.Controller.IsFactored
                || user.Modular.Controller.IsByTask
            ))

    let private takesAnyUnit (place: PoolPlace) =
        place.Users |> List.forall (fun user -> not user.Modular.Dispatch.IsForLinear)

    let private counts (place: PoolPlace) = [
        let pool = place.Pool

        if pool.Units.Length = 1 then
            for modules in [ 0; -4 ] do
                Fault.MBelowOne, "/modules", { pool with Modules = modules }

            if takesAnyM place then Fault.MAboveLimit, "/modules", { pool with Modules = 17_000_000 }
    ]

    let private missing (place: PoolPlace) = [
        if place.Pool.Name.IsNone then Fault.NoPool, "", nothing

        Fault.NoUnit, "/unit", { place.Pool with Units = [] }
    ]

    let private units (place: PoolPlace) = [
        let pool = place.Pool
        let last = pool.Units.Length - 1

        let widened unit = unit @ [ ChainFaults.widening place.Output ]

        let sequence =
            Layer.Custom { CustomExamples.scale (Shape.Vector 1) with Input = place.Output; Output = Shape.Sequence 2 }

        if last > 0 then
            let changed unit = List.updateAt last unit pool.Units

            Fault.UnitsUnlikeM, "/unit", { pool with Units = pool.Units @ [ pool.Units[last] ] }

            Fault.UnitsDisagree, $"/unit{last}", { pool with Units = changed (widened pool.Units[last]) }

            Fault.BadUnitOutput, $"/unit{last}", { pool with Units = changed (pool.Units[last] @ [ sequence ]) }
        elif takesAnyUnit place then
            let unit = pool.Units.Head

            Fault.BadUnitOutput, "/unit", { pool with Units = [ unit @ [ sequence ] ] }

            if pool.Modules <> 2 then Fault.UnitsUnlikeM, "/unit", { pool with Units = [ unit; unit ] }

            if pool.Modules > 1 then
                let others = List.replicate (pool.Modules - 1) unit

                Fault.UnitsDisagree, $"/unit{pool.Modules - 1}", { pool with Units = others @ [ widened unit ] }

            if place.Row = place.Output && pool.Init = Uniform then
                Fault.EmptyBlock, "/unit", { pool with Units = [ [] ] }
    ]

    let private settings (place: PoolPlace) = [
        if not (List.exists (List.exists Typing.hasWeights) place.Pool.Units) then
            Fault.InitWithoutWeights, "/init", { place.Pool with Init = Glorot }

        match place.Pool.Units with
        | [ [ Layer.Linear _ ] ] -> ()
        | _ ->
            if place.Users |> List.forall (fun user -> user.Modular.Dispatch = Auto) then
                Fault.SpreadUnfit, "/spread", { place.Pool with Spread = true }
    ]

    let all (places: Places) = [
        for place in places.Pools do
            for fault, setting, changed in
                [ yield! counts place; yield! missing place; yield! units place; yield! settings place ] do
                plant fault (place.Name + setting) (fun () -> place.Replace changed)

            match place.Pool.Name with
            | Some name ->
                let renamed = "left/" + name
                let at = place.Users.Head.Name + "/from"
                plant Fault.BadName at (fun () -> place.Replace { place.Pool with Name = Some renamed })
            | None -> ()
    ]
