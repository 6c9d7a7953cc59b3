namespace ModNet.Generators

open ModNet

/// Smaller sound networks. Candidates come from rules of thumb; those that the typing rules refuse are left out, and so are
/// those that are not smaller, which is why shrinking ends.
[<RequireQualifiedAccess>]
module internal SoundShrinks =

    let private isInput layer = (Typing.input layer).IsSome || layer.IsTasks

    // Its width is K times that of its modules, so that neither becomes smaller alone.
    let private narrowest (layer: Layer) : Layer list list =
        match layer with
        | Layer.ModularGru gru -> [
            [
                Layer.ModularGru {
                    Gated = gru.Gated
                    Hidden = 1
                    Candidate = {
                        gru.Candidate with
                            Choose = 1
                            Combine = Sum
                            Pool = { gru.Candidate.Pool with Units = [ [ Layer.Linear(linear 1) ] ] }
                    }
                }
            ]
          ]
        | _ -> []

    let private chains (place: ChainPlace) =
        seq {
            let before = place.Layers |> List.takeWhile (fun layer -> place.IsTop && isInput layer)

            let after = if place.IsTop then [ List.last place.Layers ] else []

            let body =
                place.Layers
                |> List.skip before.Length
                |> List.take (place.Layers.Length - before.Length - after.Length)

            let whole layers = place.Replace(before @ layers @ after)

            for smaller in LayerShrinks.parts body do
                whole smaller

            let shape index = place.Shapes[before.Length + index]

            // All of it first, then layer by layer.
            for first, last in (0, body.Length) :: [ for index in 0 .. body.Length - 1 -> index, index + 1 ] do
                if last > first then
                    for plain in LayerShrinks.plainest (shape first) (shape last) do
                        whole (List.take first body @ plain @ List.skip last body)

            for index, layer in List.indexed body do
                for instead in Kind.simpler layer @ narrowest layer do
                    whole (List.take index body @ instead @ List.skip (index + 1) body)
        }

    let private modulars (place: ModularPlace) =
        seq {
            let modular = place.Modular

            for choose in Numbers.fewer 1 modular.Choose do
                { modular with Choose = choose }

                { modular with Choose = choose; Controller = Linear }

            { modular with Controller = Linear }
            { modular with Combine = Sum }
            { modular with Duplicates = Every }
            { modular with StopGradient = false }
            { modular with Dispatch = Auto }
            { modular with Masked = [] }

            for context in Numbers.fewer 0 modular.Context do
                { modular with Context = context }

            match modular.Controller with
            | Mlp hidden -> { modular with Controller = Mlp [ hidden.Head ] }
            | Factored digits -> { modular with Controller = Factored [ List.fold (*) 1 digits ] }
            | _ -> ()

            { modular with Pool = { modular.Pool with Name = None } }
        }

    let private pools (place: PoolPlace) =
        seq {
            let pool = place.Pool

            for modules in Numbers.fewer 1 pool.Modules do
                { pool with Modules = modules }

            if pool.Units.Length > 1 then
                for unit in pool.Units do
                    { pool with Units = [ unit ] }

                for index in 0 .. pool.Units.Length - 1 do
                    { pool with Units = List.removeAt index pool.Units; Modules = pool.Modules - 1 }

            { pool with Init = Uniform }
        }

    /// Every controller that says itself how many modules there are made linear: it would stand in the way of other numbers.
    let private plainControllers =
        LayerTree.modulars (fun modular ->
            match modular.Controller with
            | Custom _
            | ByTask
            | Factored _ -> { modular with Controller = Linear }
            | _ -> modular)

    /// Masks without the modules that are there no more; none where they would be over all.
    let private fittingMasks =
        LayerTree.modulars (fun modular ->
            let masked = modular.Masked |> List.filter (fun masked -> masked < modular.Pool.Modules)
            { modular with Masked = if masked.Length < modular.Pool.Modules then masked else [] })

    let private ends (network: Network) =
        seq {
            let change index layer = { network with Layers = List.updateAt index layer network.Layers }

            for index, layer in List.indexed network.Layers do
                match layer with
                | Layer.Tasks count ->
                    { network with Layers = List.removeAt index network.Layers }

                    for count in Numbers.fewer 1 count do
                        change index (Layer.Tasks count)
                | Layer.Tokens size ->
                    for size in Numbers.fewer 1 size do
                        change index (Layer.Tokens size)
                | Layer.Softmax classes ->
                    for classes in Numbers.fewer 1 classes do
                        change index (Layer.Softmax classes)
                | Layer.Categorical -> change index Layer.Bernoulli
                | Layer.Gaussian(Variance.Learned value) -> change index (Layer.Gaussian(Variance.Fixed value))
                | _ -> ()
        }

    /// All candidates, the boldest first.
    let private candidates (network: Network) =
        seq {
            let places = Places.ofNetwork network
            yield! chains places.Chains.Head
            yield! ends network

            for place in places.Chains.Tail do
                yield! chains place

            for place in places.Modulars do
                yield! modulars place |> Seq.map place.Replace

            for place in places.Pools do
                yield! pools place |> Seq.map place.Replace

            plainControllers network

            for place in places.Pools do
                yield! pools place |> Seq.map (place.Replace >> plainControllers)

            for smaller in Widths.shrink network do
                smaller
                Refit.network smaller
        }

    let shrink (network: Network) : Network seq =
        let size = Size.ofNetwork network

        candidates network
        |> Seq.map fittingMasks
        |> Seq.filter (fun smaller -> Size.ofNetwork smaller < size && Typing.isSound smaller)
