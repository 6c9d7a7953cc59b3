namespace ModNet.Generators

open ModNet

/// Faults of modular layers' settings, at every layer where they stay alone.
[<RequireQualifiedAccess>]
module internal ModularFaults =

    /// Whether the controller itself says how many modules there are.
    let private hasOwnM (modular: Modular) =
        modular.Controller.IsCustom || modular.Controller.IsFactored || modular.Controller.IsByTask

    let private isSingle (pool: Pool) = pool.Units.Length = 1

    let private choices (modular: Modular) = [
        for choose in [ 0; -1 ] do
            Fault.KBelowOne, "choose", { modular with Choose = choose }

        if not (modular.Controller.IsCustom || modular.Controller.IsByTask) then
            let pool = modular.Pool

            if modular.Combine = Sum then
                Fault.KAboveM, "choose", { modular with Choose = pool.Modules + 1 }
            elif pool.Name.IsNone && isSingle pool && modular.Choose > 1 && not (hasOwnM modular) then
                // K decides what Concat gives, so here M changes.
                let fewer = { pool with Modules = modular.Choose - 1 }

                Fault.KAboveM, "choose", { modular with Pool = fewer }
    ]

    let private controllers (tasks: int option) (row: Shape) (modular: Modular) = [
        let controlled fault controller = fault, "controller", { modular with Controller = controller }

        controlled Fault.NonPositiveSize (Mlp [])
        controlled Fault.NonPositiveSize (Mlp [ 2; 0 ])

        let modules = modular.Pool.Modules

        match tasks with
        | None ->
            controlled Fault.TaskWithoutTasks Task
            controlled Fault.TaskWithoutTasks ByTask
        | Some tasks ->
            if tasks <> modules && modular.Choose = 1 && modular.Masked.IsEmpty then
                controlled Fault.ControllerUnlikeChoices ByTask

        if modular.Masked.IsEmpty then
            controlled Fault.NonPositiveSize (Factored [])
            controlled Fault.NonPositiveSize (Factored [ modules; 0 ])
            controlled Fault.ControllerUnlikeChoices (Factored [ modules; 2 ])
        else
            Fault.MaskUnfit, "masked", { modular with Controller = Factored [ modules ] }

        match row with
        | Shape.Image(_, height, width) ->
            controlled Fault.NonPositiveSize (Conv(0, 1))
            controlled Fault.NonPositiveSize (Conv(1, 0))
            controlled Fault.KernelAboveImage (Conv(1, min height width + 1))
        | _ -> controlled Fault.ImageExpected (Conv(1, 1))

        let logits = CustomExamples.logits row modular.Choose modular.Pool.Modules

        let more = Shape.Vector(modular.Choose * modular.Pool.Modules + 1)

        controlled Fault.ControllerUnlikeChoices (Custom { logits with Output = more })
        controlled Fault.CustomUnknown (Custom { logits with Code = Carried.none })
        controlled Fault.CustomInput (Custom { logits with Input = Shape.Vector 97 })
    ]

    let private contexts (place: ModularPlace) = [
        let aside context = Fault.ContextUnfit, "context", { place.Modular with Context = context }

        if place.IsGru || not place.Row.IsVector then
            aside 1
        else
            aside -1
            aside 100_003
    ]

    /// The generated networks have no programs that halt, so here every module that halts is at fault.
    let private halts (modular: Modular) = [
        if modular.Choose > 1 && not modular.Controller.IsFactored then
            Fault.HaltsUnfit, "halts", { modular with Halts = true }
    ]

    let private runs (modular: Modular) = [
        if modular.Combine = Concat then Fault.OnceWithConcat, "duplicates", { modular with Duplicates = Once }

        match modular.Pool.Units with
        | [ [ Layer.Linear _ ] ] -> ()
        | _ ->
            for dispatch in [ Gather; Kernel ] do
                Fault.DispatchUnfit, "dispatch", { modular with Dispatch = dispatch }
    ]

    /// Units of a modular GRU that give another width than the state's.
    let private states (place: ModularPlace) = [
        let pool = place.Modular.Pool

        if place.IsGru && pool.Name.IsNone && not place.Modular.Dispatch.IsForLinear then
            let last = ChainFaults.widening

            match Typing.unitOutput (Typing.Known None) pool place.Row with
            | Some output ->
                let wider = { pool with Units = pool.Units |> List.map (fun unit -> unit @ [ last output ]) }

                Fault.UnitUnlikeHidden,
                (if place.IsFold then "width" else "hidden"),
                { place.Modular with Pool = wider }
            | None -> ()
    ]

    /// On a sequence, units that give images.
    let private images (place: ModularPlace) = [
        let modular = place.Modular

        if
            place.Input.IsSequence && not place.IsGru && modular.Pool.Name.IsNone && not modular.Dispatch.IsForLinear
        then
            let image = {
                CustomExamples.scale (Shape.Vector 1) with
                    Input = Typing.unitsRow modular place.Row
                    Output = Shape.Image(1, 1, 2)
            }

            let pool = {
                modular.Pool with
                    Units = modular.Pool.Units |> List.map (fun _ -> [ Layer.Custom image ])
                    Init = Uniform
            }

            Fault.BadUnitOutput, "", { modular with Pool = pool }
    ]

    /// Another pool under the name of one that is in use already.
    let private names (place: ModularPlace) = [
        if not (hasOwnM place.Modular) then
            let pool = place.Modular.Pool

            Fault.PoolNameTaken, "from", { place.Modular with Pool = { pool with Modules = pool.Modules + 1 } }
    ]

    let all (places: Places) = [
        let tasks = Typing.taskIds places.Network

        let laterUsers =
            places.Pools
            |> List.filter (fun pool -> pool.Pool.Name.IsSome)
            |> List.collect (fun pool -> pool.Users.Tail |> List.map _.Name)
            |> Set.ofList

        for place in places.Modulars do
            for fault, setting, changed in
                [
                    yield! choices place.Modular
                    yield! controllers tasks place.Row place.Modular
                    yield! runs place.Modular
                    yield! contexts place
                    yield! halts place.Modular
                    yield! states place
                    yield! images place

                    if Set.contains place.Name laterUsers then yield! names place
                ] do
                let below = if setting = "" then "" else $"/{setting}"
                plant fault (place.Name + below) (fun () -> place.Replace changed)
    ]
