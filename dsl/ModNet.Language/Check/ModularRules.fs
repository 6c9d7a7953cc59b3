namespace ModNet

/// What modular layers and modular GRUs, of a network that reads so many task ids or none, ask of their settings, and give for a row.
type internal ModularRules(root: string, notes: Notes, pools: PoolLedger, tasks: int option) =

    let at name = root + "/" + name

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
            notes.Countable(at layer + "/choose", "K · M", int64 modular.Choose * int64 modular.Pool.Modules) |> ignore

    let checkRest layer (modular: Modular) row =
        Controllers.check {
            Notes = notes
            Place = at layer + "/controller"
            Row = row
            Tasks = tasks
            Modular = modular
        }

        if modular.Duplicates = Once && modular.Combine = Concat then
            notes.Add(
                Fault.OnceWithConcat,
                $"{at layer}/duplicates",
                "`Every` with `combine Concat`, where every position has its place",
                "`Once`",
                "say `combine Sum`, or leave `duplicates` out"
            )

        if modular.Pool.Spread && modular.Dispatch <> Auto then
            notes.Add(
                Fault.DispatchUnfit,
                $"{at layer}/dispatch",
                "`Auto` for modules that are `spread`, whose rows go to them",
                $"`{modular.Dispatch}`",
                "say `dispatch Auto`, or leave it out"
            )

        match modular.Pool.Units with
        | []
        | [ [ Layer.Linear _ ] ] -> ()
        | units when modular.Dispatch.IsForLinear ->
            let got =
                match units with
                | [ unit ] -> Kind.describeUnit unit
                | units -> $"{units.Length} mixed units"

            notes.Add(
                Fault.DispatchUnfit,
                $"{at layer}/dispatch",
                $"a pool of equal linear units for `{modular.Dispatch}`",
                got,
                "say `dispatch Auto`, or leave it out"
            )
        | _ -> ()

    let checkMasked layer (modular: Modular) =
        let last = modular.Pool.Modules - 1

        let note got remedy =
            notes.Add(
                Fault.MaskUnfit,
                $"{at layer}/masked",
                $"modules from 0 to {last}, each at most once, that leave one to choose",
                got,
                remedy
            )

        if not modular.Masked.IsEmpty && modular.Pool.Modules >= 1 then
            match
                modular.Masked |> List.tryFind (fun masked -> masked < 0 || masked > last),
                modular.Masked |> List.countBy id |> List.tryFind (fun (_, times) -> times > 1)
            with
            | Some outside, _ -> note $"module {outside}" "modules are counted from 0"
            | None, Some(twice, _) -> note $"module {twice} twice" "say each once"
            | None, None when modular.Masked.Length = modular.Pool.Modules ->
                note $"all {modular.Pool.Modules} of them" "leave one out"
            | None, None when modular.Controller = Given || modular.Controller = ByTask ->
                notes.Add(
                    Fault.MaskUnfit,
                    $"{at layer}/masked",
                    "a controller that chooses",
                    "choices that the data give",
                    "leave it out, and change the data"
                )
            | None, None when modular.Controller.IsFactored ->
                notes.Add(
                    Fault.MaskUnfit,
                    $"{at layer}/masked",
                    "a controller with a logit for every module",
                    "`Factored`, which has them for digits",
                    "leave it out, or use `Linear`, `Mlp`, `Conv` or `Task`"
                )
            | None, None -> ()

    let checkHalts layer (modular: Modular) =
        let note expected got remedy = notes.Add(Fault.HaltsUnfit, $"{at layer}/halts", expected, got, remedy)

        if modular.Halts then
            if modular.Choose > 1 then
                note "K = 1 where a module halts" $"K = {modular.Choose}" "say `choose 1`, or leave `halts` out"

            if modular.Pool.Modules = 1 then note "a module beside the one that halts" "none" "give the pool modules"

            if modular.Controller.IsFactored then
                note
                    "a controller with a logit for every module where one of them halts"
                    "`Factored`, which has them for digits"
                    "use another controller, or leave `halts` out"

    /// What the units read of a row.
    let unitsRow layer (modular: Modular) (row: Shape option) =
        let note expected got =
            notes.Add(
                Fault.ContextUnfit,
                $"{at layer}/context",
                expected,
                got,
                "leave features for the units, or leave `context` out"
            )

            None

        match row with
        | _ when modular.Context = 0 -> row
        | Some(Shape.Vector width) when modular.Context > 0 && modular.Context < width ->
            Some(Shape.Vector(width - modular.Context))
        | Some(Shape.Vector width) ->
            note $"from 0 to {width - 1} of the {width} features of a row" $"{modular.Context}"
        | Some shape -> note "none but of vectors, whose last features it is" $"{modular.Context} of {shape}"
        | None -> None

    /// What the K units give together for a row, and the planned pool, where they can be known.
    member _.Together(layer, modular: Modular, row) : Shape option * PlannedPool option =
        let pool = pools.Plan(layer, modular.Pool, unitsRow layer modular row)
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

        checkMasked layer modular
        checkHalts layer modular
        checkRest layer modular row
        output, pool
