namespace ModNet

/// What layers hold, at any depth: the layers inside others, and those of modules.
[<RequireQualifiedAccess>]
module internal LayerTree =

    /// Every layer, those inside others and inside modules first.
    let rec chain (change: Layer -> Layer) (layers: Layer list) : Layer list = List.map (layer change) layers

    and private pool change (pool: Pool) = { pool with Units = List.map (chain change) pool.Units }

    and private modular change (modular: Modular) = { modular with Pool = pool change modular.Pool }

    and private layer change spec =
        change (
            match spec with
            | Layer.Residual layers -> Layer.Residual(chain change layers)
            | Layer.Coupling layers -> Layer.Coupling(chain change layers)
            | Layer.Uncoupling layers -> Layer.Uncoupling(chain change layers)
            | Layer.Repeat(times, layers) -> Layer.Repeat(times, chain change layers)
            | Layer.Block(name, layers) -> Layer.Block(name, chain change layers)
            | Layer.SumOf branches -> Layer.SumOf(List.map (chain change) branches)
            | Layer.ConcatOf branches -> Layer.ConcatOf(List.map (chain change) branches)
            | Layer.Modular settings -> Layer.Modular(modular change settings)
            | Layer.ModularGru gru -> Layer.ModularGru { gru with Candidate = modular change gru.Candidate }
            | other -> other
        )

    let network change (network: Network) = { network with Layers = chain change network.Layers }

    /// Every modular layer's settings, a modular GRU's among them.
    let modulars (change: Modular -> Modular) =
        network (function
            | Layer.Modular settings -> Layer.Modular(change settings)
            | Layer.ModularGru gru -> Layer.ModularGru { gru with Candidate = change gru.Candidate }
            | other -> other)

    /// The shared pool of this name, wherever it is used.
    let sharedPool name (change: Pool -> Pool) =
        modulars (fun modular ->
            if modular.Pool.Name = Some name then { modular with Pool = change modular.Pool } else modular)

    /// All layers, those inside others and inside modules too.
    let rec all (layers: Layer list) : Layer list =
        layers
        |> List.collect (fun layer ->
            layer
            :: match layer with
               | Layer.Residual layers
               | Layer.Coupling layers
               | Layer.Uncoupling layers
               | Layer.Repeat(_, layers)
               | Layer.Block(_, layers) -> all layers
               | Layer.SumOf branches
               | Layer.ConcatOf branches -> List.collect all branches
               | Layer.Modular settings -> List.collect all settings.Pool.Units
               | Layer.ModularGru gru -> List.collect all gru.Candidate.Pool.Units
               | _ -> [])
