module ModNet.Tests.DslProperties

open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Tests.DslGenerators

let private config = {
    FsCheckConfig.defaultConfig with
        arbitrary = [ typeof<Values> ]
        replay = Some(2018, 1)
}

let private sound = Arb.fromGen soundNetwork

[<Tests>]
let tests =
    testList "DSL properties" [
        testPropertyWithConfig config "any network comes back from its JSON exactly"
        <| fun (network: Network) -> Network.of_json (Network.to_json network) = Ok network

        testPropertyWithConfig config "any experiment comes back from its JSON exactly"
        <| fun (experiment: Experiment) -> Experiment.of_json (Experiment.to_json experiment) = Ok experiment

        testPropertyWithConfig config "check answers for any network, always the same"
        <| fun (network: Network) ->
            let first = check network

            match first with
            | Ok summary -> Expect.hasLength summary.Rows network.Layers.Length "a row per layer"
            | Error diagnostics -> Expect.isNonEmpty diagnostics "an error says what is wrong"

            first = check network

        testPropertyWithConfig config "check answers for any experiment, always the same"
        <| fun (experiment: Experiment) -> Check.experiment experiment = Check.experiment experiment

        testPropertyWithConfig config "a sound network is found sound, with a row per layer"
        <| Prop.forAll sound (fun network ->
            let summary = Expect.wantOk (check network) "sound"
            Expect.hasLength summary.Rows network.Layers.Length "rows")

        testPropertyWithConfig config "in a plan every layer reads what the one before it gives"
        <| Prop.forAll sound (fun network ->
            let plan = Expect.wantOk (Check.plan network) "sound"

            for before, after in List.pairwise plan.Layers do
                Expect.equal after.Input before.Output after.Name)

        testPropertyWithConfig config "a choice above M is found in a sound network, at its place"
        <| Prop.forAll sound (fun network ->
            let tooMany modular = {
                modular with
                    Choose = modular.Pool.Modules + 1
                    Combine = Sum
            }

            let broken = {
                network with
                    Layers =
                        network.Layers
                        |> List.map (function
                            | Layer.Modular modular -> Layer.Modular(tooMany modular)
                            | other -> other)
            }

            let places =
                match check broken with
                | Ok _ -> []
                | Error diagnostics -> [
                    for diagnostic in diagnostics do
                        if diagnostic.Fault = Fault.KAboveM then
                            diagnostic.Place
                  ]

            let modulars = network.Layers |> List.filter _.IsModular
            Expect.equal places [ for n in 1 .. modulars.Length -> $"net/modular{n}/choose" ] "places")
    ]
