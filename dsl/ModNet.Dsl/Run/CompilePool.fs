namespace ModNet

open ModNet.Runtime
open TorchSharp

/// Planned pools as runtime pools: stacked wherever the modules are equal and made of layers that can be.
module internal CompilePool =

    /// One layer of M equal modules, stacked; None where it cannot be.
    let private stage (init: Initialiser) (dropout: torch.Generator) name modules (planned: PlannedLayer) =
        let features = RuntimeWords.features planned.Input

        let shared node =
            Some(new StagePool(name, modules, node) :> ModulePool)

        match planned.Layer with
        | Layer.Linear spec ->
            let activation = RuntimeWords.activation spec.Activation
            Some(new LinearPool(name, modules, features, spec.Width, activation, spec.Bias, init) :> ModulePool)
        | Layer.Conv spec ->
            let activation = RuntimeWords.activation spec.Activation
            let form = RuntimeWords.convolution spec
            Some(new ConvPool(name, modules, features, form, activation, spec.Bias, init))
        | Layer.LayerNorm -> Some(new LayerNormPool(name, modules, RuntimeWords.normalised planned.Input, init))
        | Layer.Activation _
        | Layer.MaxPool _
        | Layer.AvgPool _
        | Layer.Flatten
        | Layer.Dropout _ -> CompileLayer.plain "" init dropout (fun _ -> []) planned |> Option.bind shared
        | _ -> None

    let private isStacked (layer: PlannedLayer) =
        match layer.Layer with
        | Layer.Linear _
        | Layer.Conv _
        | Layer.LayerNorm
        | Layer.Activation _
        | Layer.MaxPool _
        | Layer.AvgPool _
        | Layer.Flatten
        | Layer.Dropout _ -> true
        | _ -> false

    /// A pool with fresh modules.
    let make (root: string) (init: Initialiser) (dropout: torch.Generator) (planned: PlannedPool) : ModulePool =
        let modules = planned.Pool.Modules
        let init = init.For(RuntimeWords.init planned.Pool.Init, modules)

        let apart units =
            let node index (layers: PlannedLayer list) =
                new ChainNode($"{planned.Name}/module{index}", ResizeArray(CompileLayer.chain root init dropout layers))
                :> Node

            new NodePool(planned.Name, units |> Seq.mapi node |> ResizeArray) :> ModulePool

        match planned.Units with
        | [ [ {
                  Layer = Layer.Linear _ | Layer.Conv _
              } as one ] ] -> (stage init dropout planned.Name modules one).Value
        | [ unit ] when List.forall isStacked unit ->
            let stages =
                unit |> List.choose (fun layer -> stage init dropout layer.Name modules layer)

            new ChainPool(planned.Name, ResizeArray stages)
        | [ unit ] -> apart (Seq.replicate modules unit)
        | units -> apart units
