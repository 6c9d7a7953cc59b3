module ModNet.Tests.FaultProperties

open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Runtime
open ModNet.Tests.NetworkRuns

let private isFoundAlone (planted: Planted) =
    let found =
        match check planted.Network with
        | Ok _ -> []
        | Error diagnostics -> [ for diagnostic in diagnostics -> diagnostic.Fault.Id, diagnostic.Place ]

    Expect.equal found [ planted.Fault.Id, planted.Place ] "what is found"

[<Tests>]
let tests =
    testList "Properties of faults" [
        testPropertyWithConfig (config 301 600) "a planted fault is found, at its place, alone" isFoundAlone

        testPropertyWithConfig (config 302 12) "so is every fault that can be planted in a network"
        <| fun (network: Network) -> Networks.faults network |> Seq.iter isFoundAlone

        testPropertyWithConfig (config 303 150) "without its fault a broken network is sound"
        <| fun (planted: Planted) -> summary planted.Sound |> ignore

        testCase "faults of 57 kinds are planted"
        <| fun () ->
            let kinds =
                Gen.sampleWithSeed (Rnd(304UL, 1UL)) 60 60 Networks.sound
                |> Seq.collect Networks.faults
                |> Seq.map _.Fault
                |> Seq.distinct

            Expect.hasLength (List.ofSeq kinds) 58 "kinds"

        testCase "faults are planted inside residuals, branches, rounds, blocks and modules"
        <| fun () ->
            let places = Gen.sampleWithSeed (Rnd(305UL, 1UL)) 80 400 Networks.broken |> Seq.map _.Place |> List.ofSeq

            for part in [ "/residual1/"; "/sum_of1/2/"; "/concat_of1/1/"; "/repeat1/1/"; "/stem/"; "/unit/"; "/unit2/" ] do
                Expect.exists places (fun place -> place.Contains part) part

        testPropertyWithConfig (config 306 60) "compile refuses what check refuses, with the same words"
        <| fun (planted: Planted) ->
            let diagnostic =
                match check planted.Network with
                | Error diagnostics -> diagnostics.Head
                | Ok _ -> failtest "sound"

            try
                use _graph = compiled planted.Network
                failtest "compiled"
            with :? UserException as refusal ->
                Expect.stringContains refusal.Message diagnostic.Expected "expected"
                Expect.stringContains refusal.Message diagnostic.Got "got"
    ]
