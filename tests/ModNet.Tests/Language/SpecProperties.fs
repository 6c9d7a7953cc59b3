module ModNet.Tests.SpecProperties

open System
open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Tests.NetworkRuns

let private anything = trying 100 typeof<AnySpec> (2018UL, 1UL)

/// Every shared pool renamed.
let private renamed rename =
    rewriteModulars (fun modular -> {
        modular with
            Pool = { modular.Pool with Name = Option.map rename modular.Pool.Name }
    })

[<Tests>]
let tests =
    testList "Properties of specs" [
        testPropertyWithConfig anything "any network comes back from its JSON exactly"
        <| fun (network: Network) -> Network.of_json (Network.to_json network) = Ok network

        testPropertyWithConfig anything "any experiment comes back from its JSON exactly"
        <| fun (experiment: Experiment) -> Experiment.of_json (Experiment.to_json experiment) = Ok experiment

        testPropertyWithConfig anything "check answers for any network, always the same"
        <| fun (network: Network) -> check network = check network

        testPropertyWithConfig anything "check answers for any experiment, always the same"
        <| fun (experiment: Experiment) -> Check.experiment experiment = Check.experiment experiment

        testPropertyWithConfig anything "whatever is wrong is said in one line, at a place below the network's name"
        <| fun (network: Network) ->
            let root = if String.IsNullOrWhiteSpace network.Name then "network" else network.Name

            match check network with
            | Ok _ -> ()
            | Error diagnostics ->
                Expect.isNonEmpty diagnostics "an error says what is wrong"

                for diagnostic in diagnostics do
                    Expect.isTrue (diagnostic.Place = root || diagnostic.Place.StartsWith $"{root}/") diagnostic.Place

                    for text in [ diagnostic.Expected; diagnostic.Got; diagnostic.Remedy ] do
                        Expect.isFalse (String.IsNullOrWhiteSpace text) $"{diagnostic.Fault.Id}: something is said"

        testPropertyWithConfig (config 101 150) "a sound network read from its JSON is equal, and hashes alike"
        <| fun (network: Network) ->
            let again = Expect.wantOk (Network.of_json (Network.to_json network)) "readable"
            Expect.equal again network "equal"
            Expect.equal (hash again) (hash network) "hash"
            Expect.equal (check again) (check network) "summary"

        testPropertyWithConfig (config 102 100) "a broken network's JSON keeps what is wrong with it"
        <| fun (planted: Planted) ->
            let again = Expect.wantOk (Network.of_json (Network.to_json planted.Network)) "readable"

            Expect.equal (check again) (check planted.Network) "diagnostics"

        testPropertyWithConfig (config 103 40) "what was checked before makes no difference"
        <| fun (sound: Network, first: Planted, second: Planted) ->
            let networks = [ sound; first.Network; second.Network; sound ]
            let forwards = List.map check networks
            let backwards = List.rev networks |> List.map check |> List.rev
            Expect.equal backwards forwards "in either order"

        testPropertyWithConfig (config 104 100) "the names of shared pools make no difference but where they are shown"
        <| fun (network: Network) ->
            let before = summary network
            let after = summary (renamed (fun name -> $"{name} of old") network)

            let rows = [
                for row in before.Rows -> { row with Pool = row.Pool |> Option.map (fun name -> $"{name} of old") }
            ]

            Expect.equal after.Rows rows "rows"
            Expect.equal after.Total before.Total "total"

        testPropertyWithConfig (config 105 100) "the network's name makes no difference but at the start of places"
        <| fun (planted: Planted) ->
            let isOfName = planted.Fault = Fault.BadName && not (planted.Place.StartsWith "net/")

            if not isOfName then
                let again = check { planted.Network with Name = "other" }

                let expected =
                    match check planted.Network with
                    | Ok summary -> Ok { summary with Network = "other" }
                    | Error diagnostics ->
                        Error [
                            for diagnostic in diagnostics ->
                                { diagnostic with Place = "other" + diagnostic.Place.Substring 3 }
                        ]

                Expect.equal again expected "diagnostics"

        testPropertyWithConfig (config 106 150) "the order of branches in a sum makes no difference to any cost"
        <| fun (network: Network) ->
            let turned =
                network
                |> rewriteNetwork (function
                    | Layer.SumOf branches -> Layer.SumOf(List.rev branches)
                    | other -> other)

            let costs (network: Network) =
                (summary network).Rows
                |> List.map (fun row -> row.Kind, row.Cost.Active, row.Cost.MultiplyAdds)
                |> List.sort

            Expect.equal (costs turned) (costs network) "rows"
            Expect.equal (summary turned).Total (summary network).Total "total"

        testPropertyWithConfig
            (config 107 200)
            "with_vocabulary changes tokens, and a softmax over as many, and nothing else"
        <| fun (network: Network) ->
            let resized = Network.with_vocabulary 11 network
            summary resized |> ignore

            match network.Layers.Head with
            | Layer.Tokens size ->
                Expect.equal resized.Layers.Head (Layer.Tokens 11) "tokens"
                Expect.equal (Network.with_vocabulary size network) network "to its own"

                let back =
                    match List.last network.Layers with
                    | Layer.Softmax 11 -> network
                    | _ -> Network.with_vocabulary size resized

                Expect.equal back network "there and back"
            | _ -> Expect.equal resized network "no tokens, no change"
    ]
