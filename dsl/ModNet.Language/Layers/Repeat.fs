namespace ModNet

module internal Repeat =

    let private infer (site: Site) (times, layers) shape =
        if site.IsEmpty "layers in the repetition" layers then
            Inferred.output shape
        else
            match site.Notes.Positive(site.Place + "/times", "a number of rounds", times) with
            | None -> Inferred.output shape
            | Some times ->
                let round index shape = site.Chain (Some index) layers shape

                // One mistake inside is one mistake, however many rounds there are: after it they only tell the shape.
                let rec settle index before shape =
                    if index > times || Option.isNone shape || shape = before then
                        shape
                    else
                        let (_, output), _ = site.Notes.Aside(fun () -> round index shape)
                        settle (index + 1) shape output

                let rec rounds index shape planned =
                    if index > times then
                        { Inferred.output shape with Inside = List.rev planned }
                    else
                        let before = site.Notes.Count
                        let layers, output = round index shape

                        if site.Notes.Count > before then
                            settle (index + 1) shape output |> Inferred.output
                        else
                            rounds (index + 1) output (layers :: planned)

                rounds 1 shape []

    let private fields layer = Codec.pair ("times", Codec.int) ("layers", Codec.list layer)

    let kind = {
        LayerKind.body
            2
            "repeat"
            (function
            | Layer.Repeat(times, layers) -> Some(times, layers)
            | _ -> None)
            Layer.Repeat
            fields with
            Describe = fun _ -> "repeat { … }"
            Infer = infer
            Simpler =
                fun (times, layers) -> [
                    layers
                    for fewer in Numbers.fewer 1 times do
                        [ Layer.Repeat(fewer, layers) ]
                ]
    }
