namespace ModNet

open System.Collections.Generic
open Microsoft.FSharp.Reflection

/// Every kind of layer, and what is asked of a layer whatever its kind.
module internal Kind =

    let all: LayerKind list = [
        LayerKind.ofKind Tokens.kind
        LayerKind.ofKind Features.kind
        LayerKind.ofKind Sequence.kind
        LayerKind.ofKind Image.kind
        LayerKind.ofKind Tasks.kind
        LayerKind.ofKind Embed.kind
        LayerKind.ofKind EmbedColumns.kind
        LayerKind.ofKind Linear.kind
        LayerKind.ofKind Conv.kind
        LayerKind.ofKind ConvTranspose.kind
        LayerKind.ofKind Conv1d.kind
        LayerKind.ofKind SelfAttention.kind
        LayerKind.ofKind Positions.kind
        LayerKind.ofKind Positions.learned
        LayerKind.ofKind OverSteps.last
        LayerKind.ofKind OverSteps.mean
        LayerKind.ofKind Pooling.max
        LayerKind.ofKind Pooling.average
        LayerKind.ofKind Upsample.kind
        LayerKind.ofKind Flatten.kind
        LayerKind.ofKind AsImage.kind
        LayerKind.ofKind Slice.kind
        LayerKind.ofKind ActivationKind.kind
        LayerKind.ofKind Dropout.kind
        LayerKind.ofKind LayerNorm.kind
        LayerKind.ofKind BatchNorm.kind
        LayerKind.ofKind ActivityL1.kind
        LayerKind.ofKind Locality.kind
        LayerKind.ofKind BoundaryKind.kind
        LayerKind.ofKind Gru.kind
        LayerKind.ofKind Lstm.kind
        LayerKind.ofKind ModularLayer.kind
        LayerKind.ofKind ModularGruLayer.kind
        LayerKind.ofKind Residual.kind
        LayerKind.ofKind CouplingLayer.coupling
        LayerKind.ofKind CouplingLayer.uncoupling
        LayerKind.ofKind BranchesLayer.sum
        LayerKind.ofKind BranchesLayer.concat
        LayerKind.ofKind Repeat.kind
        LayerKind.ofKind Block.kind
        LayerKind.ofKind CustomModule.kind
        LayerKind.ofKind Softmax.kind
        LayerKind.ofKind Heads.categorical
        LayerKind.ofKind Heads.gaussian
        LayerKind.ofKind Heads.bernoulli
    ]

    let private tag = FSharpValue.PreComputeUnionTagReader typeof<Layer>

    // A network may have 100,000 layers: each finds its kind by the number of its case.
    let private byTag: LayerKind array = Array.zeroCreate (FSharpType.GetUnionCases typeof<Layer>).Length

    let private find (layer: Layer) : LayerKind =
        let index = tag layer

        if isNull (box byTag[index]) then byTag[index] <- all |> List.find (fun kind -> kind.Is layer)

        byTag[index]

    let ofLayer layer = (find layer).Name layer

    let role layer = (find layer).Role

    let describe layer = (find layer).Describe layer

    let infer (site: Site) layer shape = (find layer).Infer site layer shape

    /// Chains that are simpler, to put in a layer's place.
    let simpler layer = (find layer).Simpler layer

    /// A pool's unit as in a script.
    let describeUnit layers =
        match layers with
        | [ layer ] -> describe layer
        | layers ->
            let inside = layers |> List.map describe |> String.concat "; "
            $"chain {{ {inside} }}"

    let codec: Codec<Layer> = Codec.recursive (fun layer -> Codec.union [ for kind in all -> kind.Json layer ])

    let rec private ofChain (layers: PlannedLayer list) =
        layers |> List.map (fun layer -> Cost.add (cost false layer) (inside layer)) |> Cost.sum

    and private inside (layer: PlannedLayer) = layer.Inside |> List.map ofChain |> Cost.sum

    /// The cost of a planned layer by itself, without what is inside; `isNew` says whether its pool is first used here.
    and cost isNew (layer: PlannedLayer) : Cost = (find layer.Layer).Cost { OfChain = ofChain; IsNew = isNew } layer
