namespace ModNet

open ModNet.Runtime
open TorchSharp

/// Planned pools as runtime pools: stacked wherever the modules are equal and made of layers that can be.
module internal CompilePool =

    /// How one layer of M equal modules is made, stacked, under a name; None where it cannot be.
    let private stage (init: Initialiser) (dropout: torch.Generator) modules (planned: PlannedLayer) =
        let features = RuntimeWords.features planned.Input

        match planned.Layer with
        | Layer.Linear spec ->
            let activation = RuntimeWords.activation spec.Activation

            Some(fun name ->
                new LinearPool(name, modules, features, spec.Width, activation, spec.Bias, init) :> ModulePool)
        | Layer.Conv spec ->
            let activation = RuntimeWords.activation spec.Activation
            let form = RuntimeWords.convolution spec
            Some(fun name -> new ConvPool(name, modules, features, form, activation, spec.Bias, init))
        | Layer.LayerNorm ->
            Some(fun name -> new LayerNormPool(name, modules, RuntimeWords.normalised planned.Input, init))
        | Layer.Activation _
        | Layer.MaxPool _
        | Layer.AvgPool _
        | Layer.Upsample _
        | Layer.Flatten
        | Layer.AsImage _
        | Layer.Slice _
        | Layer.Dropout _ ->
            Some(fun name ->
                let node = CompileLayer.plain "" init dropout (fun _ -> []) planned
                new StagePool(name, modules, node.Value))
        | _ -> None

    /// A pool with fresh modules, which live on the ranks, if any are given and the pool says so.
    let make
        (root: string)
        (ranks: Ranks option)
        (init: Initialiser)
        (dropout: torch.Generator)
        (planned: PlannedPool)
        : ModulePool =
        let modules = planned.Pool.Modules
        let init = init.For(RuntimeWords.init planned.Pool.Init, modules)

        let apart units =
            let node index (layers: PlannedLayer list) =
                new ChainNode($"{planned.Name}/module{index}", ResizeArray(CompileLayer.chain root init dropout layers))
                :> Node

            new NodePool(planned.Name, units |> Seq.mapi node |> ResizeArray) :> ModulePool

        match planned.Units with
        | [ [ { Layer = Layer.Linear spec } ] ] when planned.Pool.Spread && ranks.IsSome ->
            let activation = RuntimeWords.activation spec.Activation
            let features = RuntimeWords.features planned.Input

            new SpreadPool(planned.Name, modules, features, spec.Width, activation, spec.Bias, init, ranks.Value)
        | [ unit ] ->
            match unit, List.map (stage init dropout modules) unit with
            | [ { Layer = Layer.Linear _ | Layer.Conv _ } ], [ Some alone ] -> alone planned.Name
            // Parameters are drawn as stages are made, so none is before all can be.
            | _, stages when List.forall Option.isSome stages ->
                let make (layer: PlannedLayer) stage = Option.get stage layer.Name
                new ChainPool(planned.Name, ResizeArray(List.map2 make unit stages))
            | _ -> apart (Seq.replicate modules unit)
        | units -> apart units
