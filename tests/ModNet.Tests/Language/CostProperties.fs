module ModNet.Tests.CostProperties

open System
open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Runtime
open ModNet.Tests.NetworkRuns
open TorchSharp

/// The products that the action makes: the runtime's, and those of generated custom modules.
let private counted (action: unit -> unit) =
    let mutable customs = 0L

    try
        CustomExamples.onProduct <- fun some -> customs <- customs + some
        Products.Count action + customs
    finally
        CustomExamples.onProduct <- ignore

/// The products of one pass of a datapoint through network and head; of a sequence, of a step.
let private measured dispatch (network: Network) =
    let network = rewriteModulars (fun modular -> { modular with Dispatch = dispatch }) network

    scoped (fun () ->
        use graph = compiled network
        graph.eval ()

        let one =
            Batches.draw
                { Datapoints = 1; Steps = steps; Seed = 5; DType = torch.ScalarType.Float64; Weighted = false }
                network

        let total = counted (fun () -> features graph one |> graph.Head.Predict |> ignore)

        if isSequence network then total / int64 steps else total)

/// Whether all modules of every pool spend the same.
let private isEven (network: Network) = (plan network).Pools |> List.forall (fun pool -> pool.Units.Length = 1)

[<Tests>]
let tests =
    testList "Properties of costs" [
        testPropertyWithConfig (config 501 200) "totals are the sums of their rows"
        <| fun (network: Network) ->
            let summary = summary network

            let sum cost = summary.Rows |> List.sumBy (_.Cost >> cost)

            Expect.equal summary.Total.Parameters (sum _.Parameters) "parameters"
            Expect.equal summary.Total.Active (sum _.Active) "active"
            Expect.equal summary.Total.MultiplyAdds (sum _.MultiplyAdds) "multiply-adds"

        testPropertyWithConfig (config 502 120) "the summary counts the parameters that the graph has"
        <| fun (network: Network) ->
            running network (fun graph _ ->
                let count = graph.parameters () |> Seq.sumBy _.numel()
                Expect.equal count (summary network).Total.Parameters "parameters")

        testPropertyWithConfig (config 503 100) "and so does every row, a pool's where it is first used"
        <| fun (network: Network) ->
            running network (fun graph _ ->
                let named = [ for struct (name, parameter) in graph.named_parameters () -> name, parameter.numel () ]

                let below (path: string) =
                    named |> List.filter (fun (name, _) -> name.StartsWith path) |> List.sumBy snd

                let path (layer: PlannedLayer) = layer.Name.Replace('/', '.') + "."

                let met = Collections.Generic.HashSet<string>()

                for layer, row in List.zip ((plan network).Layers |> List.collect _.Unfolded) (summary network).Rows do
                    let isHead =
                        layer.Layer.IsSoftmax
                        || layer.Layer.IsGaussian
                        || layer.Layer.IsBernoulli
                        || layer.Layer.IsCategorical

                    let own =
                        below (if isHead then "head." else path layer)
                        - (layer.Inside |> List.concat |> List.sumBy (path >> below))

                    let pool =
                        match layer.Pool with
                        | Some pool when met.Add pool.Name -> below (poolPath pool.Name)
                        | _ -> 0L

                    Expect.equal row.Cost.Parameters (own + pool) row.Name)

        for dispatch in [ Loop; Grouped ] do
            testPropertyWithConfig
                (config 504 100)
                $"multiply-adds are those that a datapoint costs, by {dispatch}; of mixed units at most"
            <| fun (network: Network) ->
                let said = (summary network).Total.MultiplyAdds
                let done' = measured dispatch network

                if isEven network then
                    Expect.equal done' said "multiply-adds"
                else
                    Expect.isLessThanOrEqual done' said "multiply-adds"

        testPropertyWithConfig
            (config 505 150)
            "more modules cost parameters, and nothing active but the controller's logits"
        <| fun (network: Network) ->
            let plain = network |> rewriteModulars (fun modular -> { modular with Controller = Given; Masked = [] })

            let more =
                plain
                |> rewriteModulars (fun modular ->
                    if modular.Pool.Units.Length > 1 then
                        modular
                    else
                        { modular with Pool = { modular.Pool with Modules = modular.Pool.Modules + 3 } })

            let before, after = (summary plain).Total, (summary more).Total
            Expect.equal after.Active before.Active "active"
            Expect.equal after.MultiplyAdds before.MultiplyAdds "multiply-adds"
            Expect.isGreaterThanOrEqual after.Parameters before.Parameters "parameters"
    ]
