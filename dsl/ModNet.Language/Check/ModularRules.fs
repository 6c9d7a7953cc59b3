namespace ModNet

/// What modular layers and modular GRUs, of a network with or without task ids, ask of their settings and input, and give.
type internal ModularRules(root: string, notes: Notes, rules: ShapeRules, pools: PoolLedger, hasTasks: bool) =

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
        ControllerRules.check notes (at layer + "/controller") row hasTasks modular

        if modular.Duplicates = Once && modular.Combine = Concat then
            notes.Add(
                Fault.OnceWithConcat,
                $"{at layer}/duplicates",
                "`Every` with `combine Concat`, where every position has its place",
                "`Once`",
                "say `combine Sum`, or leave `duplicates` out"
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

    /// What the K units give together for a row, and the planned pool, where they can be known.
    let together layer (modular: Modular) row =
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

    /// A modular layer's output and planned pool.
    member _.Layer(name, modular: Modular, shape) : Shape option * PlannedPool option =
        let input = rules.Numbers(at name, "a vector [n], a sequence [T, n] or an image [C, H, W]", shape)

        let output, pool = input |> Option.map ShapeRules.Row |> together name modular

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

    /// A modular GRU's output and planned pool.
    member _.Gru(name, gru: ModularGru, shape) : Shape option * PlannedPool option =
        let input, gives = rules.Recurrent(at name, "begin with `tokens` and `embed`, or use `modular`", shape)

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

        let candidate, pool = joined |> Option.map Shape.Vector |> together name gru.Candidate

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

        gives hidden, pool
