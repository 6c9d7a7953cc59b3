/// Couplings and their inverses.
module ModNet.Tests.InverseTests

open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet
open ModNet.Runtime
open ModNet.Tests.EditLaws
open TorchSharp

/// The layers of a coupling whose halves have so many features; of images, so many channels.
let private inner (isImage: bool) (half: int) (kind: int) : Layer list =
    let plain = if isImage then Layer.Conv(conv half 3 |> same |> tanh) else Layer.Linear(linear half |> tanh)

    let chosen count =
        modular {
            modules 3
            unit plain
            choose count
        }

    match kind % 4 with
    | 0 -> [ plain ]
    | 1 -> [ chosen 1 ]
    | 2 -> [ chosen 2 ]
    | _ -> [ residual { chosen 1 }; plain ]

/// Couplings of these kinds, some of them the other way round, after a layer that they do not invert.
let private flow (isImage: bool) (half: int) (kinds: int list) : Network = {
    Name = "flow"
    Layers = [
        if isImage then image (2 * half, 4, 3) else features (2 * half)
        Layer.LayerNorm

        for kind in kinds do
            (if kind / 4 % 2 = 0 then Layer.Coupling else Layer.Uncoupling) (inner isImage half kind)

        if isImage then flatten
        gaussian (variance 1.0)
    ]
}

let private flows =
    gen {
        let! isImage = Gen.elements [ false; true ]
        let! half = Gen.choose (1, 3)
        let! kinds = Gen.choose (1, 4) |> Gen.bind (fun count -> Gen.listOfLength count (Gen.choose (0, 7)))
        return flow isImage half kinds
    }

type private Flows =
    static member Flow() = Arb.fromGen flows

let private config seed count = { NetworkRuns.config seed count with arbitrary = [ typeof<Flows> ] }

let private couplings (network: Network) =
    NamedLayers.top network
    |> List.filter (fun (_, layer) -> layer.IsCoupling || layer.IsUncoupling)
    |> List.map fst

[<Tests>]
let laws =
    testList "laws of inverses" [
        testPropertyWithConfig
            (config 91 80)
            "couplings after which their inverse comes give back what they read, to 1e-5"
        <| fun (network: Network) ->
            scoped (fun () ->
                use run = trainedOf network
                let names = couplings network
                let before, after = Edit.split_at "layer_norm1" run
                use before = before
                use _after = after
                use there = Edit.inverse names.Head (List.last names) run
                let batch = drawnFrom network
                use read = Prediction.Of(before.Graph, batch.Inputs, before.Evaluating)
                use given = Prediction.Of(run.Graph, batch.Inputs, run.Evaluating)
                let shape = Array.append [| -1L |] batch.Inputs.shape[1..]
                use back = Prediction.Of(there.Graph, given.Features.view shape, there.Evaluating)
                let scale = 1.0 + read.Features.abs().max().ToDouble()
                Expect.isLessThan (distance back.Features read.Features / scale) 1e-5 "x")

        testPropertyWithConfig (config 92 40) "the inverse of the inverse is the couplings, with the same weights"
        <| fun (network: Network) ->
            scoped (fun () ->
                use run = trainedOf network
                let names = couplings network
                use there = Edit.inverse names.Head (List.last names) run
                let backwards = couplings there.Experiment.Network
                use again = Edit.inverse backwards.Head (List.last backwards) there

                let body (network: Network) =
                    network.Layers |> List.filter (fun layer -> layer.IsCoupling || layer.IsUncoupling)

                Expect.equal (body again.Experiment.Network) (body network) "layers"
                let was, now = run.Graph.state_dict (), again.Graph.state_dict ()

                for KeyValue(name, value) in now do
                    Expect.equal (value.bytes.ToArray()) (was[name].bytes.ToArray()) name)
    ]

[<Tests>]
let mistakes =
    testList "mistakes with inverses" [
        testCase "a layer that has no inverse, and layers in the wrong order, are one message each"
        <| fun () ->
            scoped (fun () ->
                use run =
                    trainedOf (
                        network "net" {
                            features 4
                            coupling { linear 2 }
                            linear 4 |> relu
                            coupling { linear 2 }
                            gaussian (variance 1.0)
                        }
                    )

                let complains (first: string) (last: string) (expected: string) =
                    let mistake =
                        Expect.throwsC (fun () -> Edit.inverse first last run |> ignore) (fun found -> found.Message)

                    Expect.equal mistake expected "message"

                complains
                    "coupling1"
                    "coupling2"
                    "net/linear1: expected couplings alone, which have an inverse, got another layer – name the first and the last of couplings that follow each other"

                complains
                    "coupling2"
                    "coupling1"
                    "net: expected the first layer before the last, got `coupling2` after `coupling1` – name them in their order"

                complains
                    "coupling3"
                    "coupling3"
                    "net: expected a layer that stands in no other, got `coupling3` – give the name of a coupling that `check` shows")
    ]
