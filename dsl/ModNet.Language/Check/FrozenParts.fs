namespace ModNet

/// The parts of a network that `frozen` can name.
[<RequireQualifiedAccess>]
module internal FrozenParts =

    /// Every way to name something, with what it names.
    let private names (plan: Plan) : (string * string) list = [
        for layer in plan.Layers |> List.collect _.Unfolded do
            match Kind.role layer.Layer with
            | Role.Opening
            | Role.Head
            | Role.Body -> layer.Name, "a layer"
            | _ -> ()

            if layer.Layer.Choosing.IsSome then $"{layer.Name}/controller", "a controller"

        for pool in plan.Pools do
            pool.Name, "a pool"

            for index in 0 .. pool.Pool.Modules - 1 do
                $"{pool.Name}/{index}", "a module"
    ]

    /// Notes names that are of nothing, or of several things.
    let check (notes: Notes) (place: string) (plan: Plan) (parts: string list) : unit =
        let known = names plan |> List.groupBy fst |> Map.ofList

        for part in parts do
            match known.TryFind part with
            | Some [ _ ] -> ()
            | Some several ->
                let what = several |> List.map snd |> String.concat " and "

                notes.Add(
                    Fault.FrozenUnclear,
                    place,
                    "the name of one part of the network",
                    $"`{part}`, which is {what}",
                    "give the pool or the block another name"
                )
            | None ->
                let layers = plan.Layers |> List.map _.Name |> List.filter known.ContainsKey
                let all = layers @ (plan.Pools |> List.map _.Name) |> List.map (fun name -> $"`{name}`")

                notes.Add(
                    Fault.FrozenUnknown,
                    place,
                    "a layer, LAYER/controller, a pool, or POOL/MODULE",
                    $"`{part}`",
                    "the network has " + String.concat ", " all
                )

    /// The names that freeze all of a network but these parts, which are modules or controllers. A container's layers are named one by one. None where the
    /// rest has no name of its own: the gates of a recurrent layer whose controller or own modules are kept.
    let allBut (plan: Plan) (kept: string list) : string list option =
        let isKept part = List.contains part kept

        let modules (pool: PlannedPool) = [
            for index in 0 .. pool.Pool.Modules - 1 do
                $"{pool.Name}/{index}"
        ]

        let rest (pool: PlannedPool) =
            if isKept pool.Name then []
            elif modules pool |> List.exists isKept then modules pool |> List.filter (isKept >> not)
            else [ pool.Name ]

        let ofLayer (layer: PlannedLayer) : string list option =
            match Kind.role layer.Layer, layer.Layer.Choosing with
            | (Role.Opening | Role.Head | Role.Body), _ when isKept layer.Name -> Some []
            | (Role.Opening | Role.Head | Role.Body), None when layer.Inside.IsEmpty -> Some [ layer.Name ]
            | (Role.Opening | Role.Head | Role.Body), Some _ ->
                let controller = $"{layer.Name}/controller"

                let keepsOwn =
                    layer.Pool
                    |> Option.exists (fun pool ->
                        pool.Name.StartsWith(layer.Name + "/")
                        && (isKept pool.Name || modules pool |> List.exists isKept))

                match layer.Layer with
                | Layer.ModularGru gru when gru.Gated && (isKept controller || keepsOwn) -> None
                | Layer.ModularGru gru when gru.Gated -> Some [ layer.Name ]
                | _ -> Some [ if not (isKept controller) then controller ]
            | _ -> Some []

        let layers = plan.Layers |> List.collect _.Unfolded |> List.map ofLayer

        if List.contains None layers then
            None
        else
            Some(List.collect id (List.choose id layers @ List.map rest plan.Pools) |> List.distinct)
