namespace ModNet.Generators

open FsCheck
open FsCheck.FSharp
open ModNet
open ModNet.Runtime
open TorchSharp

/// What random datapoints are drawn by.
type Drawing = {
    /// B, ≥ 1.
    Datapoints: int
    /// T, of a network for sequences, ≥ 1.
    Steps: int
    Seed: int
    /// Of vectors, images and numbers to predict: that of the parameters, Float32 after `compile`.
    DType: torch.ScalarType
    /// Whether datapoints have weights.
    Weighted: bool
}

/// Random datapoints for a network.
[<RequireQualifiedAccess>]
module Batches =

    let private sizes drawing shape =
        match shape with
        | Shape.Tokens _ -> [ drawing.Datapoints; drawing.Steps ]
        | Shape.Vector width -> [ drawing.Datapoints; width ]
        | Shape.Sequence width -> [ drawing.Datapoints; drawing.Steps; width ]
        | Shape.Image(channels, height, width) -> [ drawing.Datapoints; channels; height; width ]
        |> List.map int64
        |> Array.ofList

    let private ids (generator: torch.Generator) (limit: int) (sizes: int64[]) =
        torch.randint (int64 limit, sizes, torch.ScalarType.Int64, generator = generator)

    let private normal (generator: torch.Generator) drawing (sizes: int64[]) =
        torch.empty(sizes, dtype = drawing.DType).normal_(0.0, 1.0, generator)

    let private values generator drawing shape (layers: PlannedLayer list) =
        let sizes = sizes drawing shape

        match shape with
        | Shape.Tokens vocabulary -> ids generator vocabulary sizes
        | _ ->
            let values = normal generator drawing sizes

            for layer in layers do
                match layer.Layer with
                | Layer.EmbedColumns columns ->
                    for column in columns do
                        let categories = ids generator column.Categories [| int64 drawing.Datapoints |]
                        values.select(1L, int64 column.Column).copy_(categories.to_type drawing.DType) |> ignore
                | _ -> ()

            values

    let private targets generator drawing (head: PlannedLayer) =
        let sizes = sizes drawing head.Output

        match head.Layer with
        | Layer.Softmax classes -> ids generator classes (Array.take (sizes.Length - 1) sizes)
        | Layer.Categorical -> ids generator (int sizes[sizes.Length - 1]) (Array.take (sizes.Length - 1) sizes)
        | Layer.Bernoulli -> (ids generator 2 sizes).to_type drawing.DType
        | _ -> normal generator drawing sizes

    /// K and M of every layer whose choices are given, in order.
    let private given (layers: PlannedLayer list) = [
        for layer in layers |> List.collect _.Unfolded do
            match layer.Layer.Choosing with
            | Some { Controller = Given } & Some modular -> modular.Choose, modular.Pool.Modules
            | _ -> ()
    ]

    /// Inputs N(0, 1) or random token ids and categories, targets for the head, task ids and given choices where the network reads such, and weights
    /// above 0 where they are asked for.
    /// The tensors are the caller's. Raises ArgumentException where `check` refuses the network.
    /// Example: `Batches.draw { Datapoints = 4; Steps = 3; Seed = 1; DType = torch.ScalarType.Float32; Weighted = false } network`
    let draw (drawing: Drawing) (network: Network) : Batch =
        let plan =
            match Check.plan network with
            | Ok plan -> plan
            | Error diagnostics -> invalidArg (nameof network) (string diagnostics.Head)

        use generator = new torch.Generator(uint64 drawing.Seed, torch.CPU)

        let tasks =
            plan.Layers
            |> List.tryPick (fun layer ->
                match layer.Layer with
                | Layer.Tasks count -> Some(ids generator count [| int64 drawing.Datapoints |])
                | _ -> None)

        let given =
            match given plan.Layers with
            | [] -> None
            | layers ->
                let columns = [|
                    for choose, modules in layers -> ids generator modules [| int64 drawing.Datapoints; int64 choose |]
                |]

                Some(torch.cat (columns, 1L))

        let values = values generator drawing plan.Layers.Head.Output plan.Layers
        let targets = targets generator drawing (List.last plan.Layers)

        // Drawn last, so that everything else is the same with and without them.
        let weights =
            if drawing.Weighted then
                Some(
                    torch
                        .empty([| int64<int> drawing.Datapoints |], dtype = torch.ScalarType.Float64)
                        .exponential_(1.0, generator)
                )
            else
                None

        let side =
            if tasks.IsSome || given.IsSome || weights.IsSome then
                SideInputs(Option.toObj tasks, Option.toObj given, Option.toObj weights)
            else
                null

        Batch(values, targets, side)

    /// A few datapoints of a few steps.
    let drawing: Gen<Drawing> =
        gen {
            let! datapoints = Gen.choose (1, 4)
            let! steps = Gen.choose (1, 3)
            let! seed = Gen.choose (1, 1_000_000)
            let! weighted = Gen.elements [ false; true ]

            return {
                Datapoints = datapoints
                Steps = steps
                Seed = seed
                DType = torch.ScalarType.Float32
                Weighted = weighted
            }
        }
