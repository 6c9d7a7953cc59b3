namespace ModNet

/// The parts of a network that `frozen` can name.
[<RequireQualifiedAccess>]
module internal FrozenParts =

    /// Every way to name something, with what it names.
    let private names (plan: Plan) : (string * string) list = [
        for layer in plan.Layers |> List.collect _.Unfolded do
            match Kind.role layer.Layer with
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
