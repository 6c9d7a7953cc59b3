module ModNet.Tests.SelectionStatisticsTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet.Runtime
open TorchSharp

/// p_k(a_k = m | x_n) as [n][k][m]: from one-hot to even.
type Choices = {
    Probabilities: float[][][]
} with

    member choices.Choose = choices.Probabilities[0].Length
    member choices.Modules = choices.Probabilities[0].[0].Length

type private Cases =
    static member Choices() : Arbitrary<Choices> =
        gen {
            let! seed = Gen.choose (1, 1_000_000)
            let! rows = Gen.choose (1, 8)
            let! choose = Gen.choose (1, 3)
            let! modules = Gen.choose (1, 4)
            let! sharpness = Gen.elements [ 0.0; 1.0; 30.0 ]
            let random = Random seed

            let distribution () =
                let raw = Array.init modules (fun _ -> exp (sharpness * random.NextDouble()))
                raw |> Array.map (fun p -> p / Array.sum raw)

            return { Probabilities = Array.init rows (fun _ -> Array.init choose (fun _ -> distribution ())) }
        }
        |> Arb.fromGen

let private config = { FsCheckConfig.defaultConfig with maxTest = 200; arbitrary = [ typeof<Cases> ] }

let private distribution (choices: Choices) =
    let p = choices.Probabilities

    let cube = Array3D.init p.Length choices.Choose choices.Modules (fun n k m -> p[n].[k].[m])

    ChoiceDistribution.FromLogits(torch.tensor(cube).log())

/// The statistics of these layers, each named, with the pool that it chooses from.
let private statistics (selector: Selector) (layers: (string * string * Choices) list) =
    let route = Route selector

    for layer, pool, choices in layers do
        route.Choose(layer, 0, distribution choices, pool) |> ignore<Selection>

    let statistics = SelectionStatistics()
    statistics.Add route.Tape
    statistics

let private ofOne choices = statistics (ModeSelector()) [ "modular1", "words", choices ]

let private entropy (p: float seq) = p |> Seq.sumBy (fun p -> if p > 0.0 then -p * log p else 0.0)

/// All compositions of K positions.
let rec private compositions choose modules =
    if choose = 0 then
        [ [] ]
    else
        [
            for rest in compositions (choose - 1) modules do
                for m in 0 .. modules - 1 -> m :: rest
        ]

/// Eq. 15 as the paper has it: the mean over datapoints of the entropy of p(a | x) over all compositions a.
let private eq15 (choices: Choices) =
    choices.Probabilities
    |> Array.averageBy (fun positions ->
        compositions choices.Choose choices.Modules
        |> Seq.map (fun a -> Seq.zip a positions |> Seq.fold (fun p (m, position) -> p * position[m]) 1.0)
        |> entropy)

/// Eq. 16 of one position: the entropy of the mean over datapoints.
let private eq16 (choices: Choices) (position: int) =
    [ 0 .. choices.Modules - 1 ]
    |> List.map (fun m -> choices.Probabilities |> Array.averageBy (fun positions -> positions[position].[m]))
    |> entropy

let private close (expected: float) (actual: float) what =
    Expect.isLessThan (abs (expected - actual)) 1e-9 $"{what}: {expected} and {actual}"

let private selected (composition: int[]) (choices: Choices) = {
    Probabilities =
        composition
        |> Array.map (fun m -> [|
            Array.init choices.Modules (fun i -> if i = m then 0.9 else 0.1 / float (choices.Modules - 1))
        |])
}

let private four = { Probabilities = [| [| Array.create 4 0.25 |] |] }

[<Tests>]
let tests =
    testList "selection statistics" [
        testPropertyWithConfig config "H_a ≤ H_b ≤ log M for every K"
        <| fun (choices: Choices) ->
            scoped
            <| fun () ->
                let seen = ofOne choices
                Expect.isLessThanOrEqual seen.SelectionEntropy (seen.BatchSelectionEntropy + 1e-12) "H_a ≤ H_b"
                Expect.isLessThanOrEqual seen.BatchSelectionEntropy (log (float choices.Modules) + 1e-12) "H_b ≤ log M"

        testPropertyWithConfig config "H_a and H_b are Eqs. 15 and 16 per position"
        <| fun (choices: Choices) ->
            scoped
            <| fun () ->
                let seen = ofOne choices

                close
                    (eq15 choices / float choices.Choose)
                    seen.SelectionEntropy
                    "H_a is Eq. 15, by enumeration, over K"

                close
                    ([ 0 .. choices.Choose - 1 ] |> List.averageBy (eq16 choices))
                    seen.BatchSelectionEntropy
                    "H_b is the mean of Eq. 16 over positions"

        testScoped "two positions by hand: one decided and even over the batch, one undecided"
        <| fun () ->
            let even = [| 0.5; 0.5 |]
            let seen = ofOne { Probabilities = [| [| [| 1.0; 0.0 |]; even |]; [| [| 0.0; 1.0 |]; even |] |] }
            close (0.5 * log 2.0) seen.SelectionEntropy "H_a"
            close (log 2.0) seen.BatchSelectionEntropy "H_b"

        testPropertyWithConfig config "layers weigh alike, whatever their K"
        <| fun (one: Choices) (other: Choices) ->
            scoped
            <| fun () ->
                let both = statistics (ModeSelector()) [ "modular1", "a", one; "modular2", "b", other ]
                let mean (value: SelectionStatistics -> float) = (value (ofOne one) + value (ofOne other)) / 2.0
                close (mean _.SelectionEntropy) both.SelectionEntropy "H_a"
                close (mean _.BatchSelectionEntropy) both.BatchSelectionEntropy "H_b"
                close (mean _.ModulesUsed) both.ModulesUsed "modules used, of two pools"
                close (mean _.EffectiveModules) both.EffectiveModules "effective modules, of two pools"

        testScoped "a pool that two layers share is counted once: 4 modules are used, not 8"
        <| fun () ->
            let all = selected [| 0; 1; 2; 3 |] four
            let shared = statistics (ModeSelector()) [ "modular1", "words", all; "modular2", "words", all ]
            Expect.equal shared.ModulesUsed 4.0 "modules used"
            close 4.0 shared.EffectiveModules "effective modules"

            // Each layer uses two modules of its own, so the pool is used evenly.
            let apart =
                statistics (ModeSelector()) [
                    "modular1", "words", selected [| 0; 1 |] four
                    "modular2", "words", selected [| 2; 3 |] four
                ]

            Expect.equal apart.ModulesUsed 4.0 "modules used"
            close 4.0 apart.EffectiveModules "effective modules"

        testScoped
            "two of six modules do all the work while the controller is undecided: H_b hides it, the effective modules show it"
        <| fun () ->
            let barely m = [| Array.init 6 (fun i -> if i = m then 0.17 else 0.166) |]
            let seen = ofOne { Probabilities = [| barely 1; barely 1; barely 4; barely 4 |] }
            Expect.isGreaterThan (exp seen.BatchSelectionEntropy) 5.99 "exp H_b"
            Expect.equal seen.ModulesUsed 2.0 "modules used"
            close 2.0 seen.EffectiveModules "effective modules"

        testPropertyWithConfig
            config
            "effective modules are exp of the entropy of what ran, between 1 and the modules used"
        <| fun (choices: Choices) ->
            scoped
            <| fun () ->
                let seen = ofOne choices

                let ran = [
                    for positions in choices.Probabilities do
                        for position in positions -> Array.IndexOf(position, Array.max position)
                ]

                let shares = ran |> List.countBy id |> List.map (fun (_, count) -> float count / float ran.Length)
                close (exp (entropy shares)) seen.EffectiveModules "effective modules"
                Expect.equal seen.ModulesUsed (float shares.Length) "modules used"
                Expect.isLessThanOrEqual seen.EffectiveModules (seen.ModulesUsed + 1e-9) "never more than were used"

        testScoped "every kind of modular layer says which pool it chooses from, in its tape and in its trace"
        <| fun () ->
            let init = doubles 3
            let pool = new LinearPool("shared", 4, 5, 5, Activation.Identity, true, init)

            let layer name =
                new ModularLayer(name, new LinearController(5, 2, 4, init), pool, Combine.Sum, Dispatch.Auto) :> Node

            let graph = new Graph([| layer "modular1"; layer "modular2" |], new GaussianHead(0.3, false, init))

            let data =
                new Dataset(torch.randn (30L, 5L, dtype = torch.float64), torch.randn (30L, 5L, dtype = torch.float64))

            let words, text = Fixtures.language 5 4 2 Dispatch.Auto 12 6
            let alone, slow = Fixtures.language 5 4 2 Dispatch.Gather 12 6

            for graph: Graph, data: Dataset, pool in
                [ graph, data, "shared"; words, text, "words"; alone, slow, "words" ] do
                let tape = graph.Forward(data.Inputs, ModeSelector()).Tape
                Expect.all tape.Entries (fun entry -> entry.Site.Pool = pool) pool
                use streams = new RandomStreams 3L
                use em = new ViterbiEm(graph, data, EmSettings(3, 2, 6L, 6L, 1e-2), streams)
                let trace = RoutingTracer.Of(graph, data, Fixtures.everything data, em, torch.CPU)
                let last = trace.Count - 1

                for trace in [ trace; trace.Pick [| 0; last |]; trace.Assigned() ] do
                    Expect.all trace.Layers (fun layer -> layer.Pool = pool) $"{pool}, trace"
                    let used = Evaluation.Of(graph, [| data |], 5L, torch.CPU).Statistics.ModulesUsed
                    Expect.isLessThanOrEqual used 4.0 "never more than the pool has"
    ]
