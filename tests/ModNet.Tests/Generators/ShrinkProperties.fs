module ModNet.Tests.ShrinkProperties

open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Tests.NetworkRuns

/// Down by the first smaller network that still has the property, to the end.
let rec private smallest has (network: Network) =
    match Networks.shrink network |> Seq.tryFind has with
    | Some smaller -> smallest has smaller
    | None -> network

let private hasKind kind (network: Network) = (summary network).Rows |> List.exists (fun row -> row.Kind = kind)

[<Tests>]
let tests =
    testList "Properties of shrinking" [
        testPropertyWithConfig (config 401 100) "every smaller network is sound, and smaller"
        <| fun (network: Network) ->
            for smaller in Networks.shrink network do
                summary smaller |> ignore
                Expect.isLessThan (Networks.size smaller) (Networks.size network) "size"

        testPropertyWithConfig (config 402 60) "a smaller broken network has the same fault at the same place, alone"
        <| fun (planted: Planted) ->
            for smaller in Networks.shrinkBroken planted |> Seq.truncate 25 do
                Expect.equal (smaller.Fault, smaller.Place) (planted.Fault, planted.Place) "what was planted"
                Expect.isLessThan (Networks.size smaller.Sound) (Networks.size planted.Sound) "size"

                match check smaller.Network with
                | Error [ found ] ->
                    Expect.equal (found.Fault, found.Place) (planted.Fault, planted.Place) "what is found"
                | other -> failtestf "found %A" other

        testPropertyWithConfig
            (config 403 60)
            "any network shrinks to an input and a head, with what a head cannot do without"
        <| fun (network: Network) ->
            let least = smallest (fun _ -> true) network
            Expect.isLessThanOrEqual least.Layers.Length 3 "layers"
            Expect.isLessThanOrEqual (Networks.size least) 10 "size"

        testPropertyWithConfig (config 404 60) "a network shrinks to one layer of a kind that it has"
        <| fun (network: Network) ->
            let kinds =
                [
                    "modular"
                    "modular_gru"
                    "residual"
                    "conv"
                    "concat_of"
                    "lstm"
                    "conv1d"
                    "self_attention"
                    "positions"
                    "learned_positions"
                    "conv_transpose"
                    "upsample"
                    "embed_columns"
                ]
                |> List.filter (fun kind -> hasKind kind network)

            not kinds.IsEmpty
            ==> lazy
                (for kind in kinds do
                    let least = smallest (hasKind kind) network
                    Expect.isLessThanOrEqual (Networks.size least) 25 kind)

        testPropertyWithConfig (config 405 60) "a network with a shared pool shrinks to two layers that share it"
        <| fun (network: Network) ->
            let shares (network: Network) =
                (plan network).Layers
                |> List.collect _.Unfolded
                |> List.choose (fun layer -> layer.Layer.Choosing |> Option.bind _.Pool.Name)
                |> List.countBy id
                |> List.exists (fun (_, uses) -> uses > 1)

            shares network
            ==> lazy
                (let least = smallest shares network
                 let isModular (layer: PlannedLayer) = layer.Layer.Choosing.IsSome
                 let unrolled = (plan least).Layers |> List.collect _.Unfolded
                 Expect.hasLength (List.filter isModular unrolled) 2 "modular layers, repetitions unrolled"
                 Expect.isLessThanOrEqual least.Layers.Length 8 "layers")
    ]
