namespace ModNet

/// An input, task ids beside it where there are any, layers, one head: notes what stands elsewhere in a network.
type internal LayerOrder(root: string, layers: Layer list, notes: Notes) =

    let mutable headMisplaced = false

    let isA role layer = Kind.role layer = role

    let firstOfBody = lazy (layers |> List.tryFindIndex (fun layer -> isA Role.Body layer || isA Role.Opening layer))

    /// Whether nothing but the input and what is beside it stands before this index.
    let isFirst index =
        layers |> List.take index |> List.forall (fun layer -> isA Role.Input layer || isA Role.Beside layer)

    /// Before the walk: whether there is an input at all.
    member _.Begin() =
        if not (List.exists (isA Role.Input) layers) then
            notes.Add(
                Fault.NoInput,
                root,
                "an input at the start",
                $"`{Kind.ofLayer layers.Head}`",
                "begin with `tokens`, `features`, `sequence` or `image`"
            )

    /// The layer at this index, after `head` if there was one. That a head is not the end is told at the first layer after it.
    member _.Check(index, name, layer, head: string option) =
        let first = layers.Head
        let kind = Kind.ofLayer layer

        match Kind.role layer, head with
        | Role.Input, _ when index = 0 -> ()
        | Role.Input, _ when isA Role.Input first ->
            notes.Add(
                Fault.TwoInputs,
                $"{root}/{name}",
                $"one input, `{Kind.ofLayer first}` at the start",
                $"a second, `{kind}`",
                "leave one of them out"
            )
        | Role.Input, _ ->
            notes.Add(
                Fault.InputNotFirst,
                $"{root}/{name}",
                "the input at the start",
                $"`{kind}` at position {index + 1}",
                "move it to the start"
            )
        | Role.Beside, _ when
            (match firstOfBody.Value with
             | Some body -> index > body
             | None -> head.IsSome)
            ->
            notes.Add(
                Fault.InputNotFirst,
                $"{root}/{name}",
                "`tasks` right after the input",
                $"`{kind}` at position {index + 1}",
                "move it up"
            )
        | Role.Opening, _ when not (isFirst index) ->
            notes.Add(
                Fault.InputNotFirst,
                $"{root}/{name}",
                $"`{kind}` right after the input, whose columns it reads",
                $"`{kind}` at position {index + 1}",
                "move it up, and say it once for all columns"
            )
        | Role.Head, Some head ->
            notes.Add(
                Fault.TwoHeads,
                $"{root}/{name}",
                $"one head, `{head}` at the end",
                $"a second, `{kind}`",
                "leave one of them out"
            )
        | Role.Body, Some head when not headMisplaced ->
            headMisplaced <- true

            notes.Add(
                Fault.LayerAfterHead,
                $"{root}/{name}",
                $"nothing after the head `{head}`",
                $"`{kind}`",
                "move the head to the end"
            )
        | _ -> ()

    /// After the walk: whether there was a head.
    member _.End(head: string option) =
        if head.IsNone then
            notes.Add(
                Fault.NoHead,
                root,
                "a head at the end",
                $"`{Kind.ofLayer (List.last layers)}`",
                "end with `softmax`, `gaussian` or `bernoulli`"
            )

    member _.Empty() =
        notes.Add(
            Fault.EmptyNetwork,
            root,
            "an input, layers and a head",
            "no layers",
            "begin with `tokens`, `features`, `sequence` or `image`, end with `softmax`, `gaussian` or `bernoulli`"
        )
