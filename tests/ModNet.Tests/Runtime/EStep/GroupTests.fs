/// E-steps of groups of datapoints that share an assignment.
module ModNet.Tests.GroupTests

open System
open Expecto
open ModNet.Runtime
open TorchSharp

let private config = { FsCheckConfig.defaultConfig with maxTest = 15; arbitrary = [ typeof<Fixtures.Arbitraries> ] }

let private points = 23

/// There is something to choose.
let private chosen (s: Sizes) = { s with Modules = max 2 s.Modules }

/// Compositions are few enough to be enumerated.
let private small (s: Sizes) = { s with Modules = 2 + s.Modules % 3; Choose = 1 + s.Choose % 2 }

/// EM on a regression whose datapoints have these task ids.
let private em (s: Sizes) (taskOf: int -> int) (settings: EmSettings) =
    let graph, data = Fixtures.regression s Combine.Sum Dispatch.Auto points
    let tasks = torch.tensor [| for n in 0 .. points - 1 -> int64 (taskOf n) |]
    let data = new Dataset(data.Inputs, data.Targets, SideInputs(tasks, null))
    let streams = new RandomStreams(int64 s.Seed)
    graph, data, new ViterbiEm(graph, data, settings, streams)

let private settings = EmSettings(4, 3, 16L, 16L, 1e-2)
let private perTask = EmSettings(4, 3, 16L, 16L, 1e-2, Assign = EmAssign.PerTask)

/// Four tasks, whose datapoints do not lie side by side.
let private ofFour n = n * 7 % 4

let private table (em: ViterbiEm) = [
    for n in 0 .. points - 1 -> [ for c in 0 .. em.Assignments.Choices - 1 -> em.Assignments[int64 n, c] ]
]

let private members task = [|
    for n in 0 .. points - 1 do
        if ofFour n = task then int64 n
|]

[<Tests>]
let tests =
    testList "assignments of groups" [
        testPropertyWithConfig config "groups of one are the EM of datapoints, bit for bit"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let run settings =
                    let _, _, em = em s id settings
                    em.Begin()
                    let steps = [ for _ in 1..7 -> em.MStepAndReport().LogLikelihood ]
                    steps, em.Reassigned, table em, em.LogJoint [| for n in 0 .. points - 1 -> int64 n |]

                Expect.equal (run perTask) (run settings) "the same run"

        testPropertyWithConfig
            config
            "an E-step never lowers the joint of a task, whose datapoints all have the same a*"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let _, _, em = em (chosen s) ofFour perTask
                let each () = [ for task in 0..3 -> em.LogJoint(members task) ]

                for _ in 1..3 do
                    let before = each ()
                    let report = em.Sweep()
                    let after = each ()

                    for b, a in List.zip before after do
                        Expect.isGreaterThanOrEqual a (b - 1e-9) "a task's joint"

                    Expect.floatClose Accuracy.high report.Before (List.sum before) "what the step says it began with"
                    Expect.floatClose Accuracy.high report.After (List.sum after) "what the step says it reached"

                    let held = table em

                    for task in 0..3 do
                        Expect.hasLength
                            (members task |> Array.map (fun n -> held[int n]) |> Array.distinct)
                            1
                            "one composition"

                    for _ in 1..5 do
                        em.MStep()

        testPropertyWithConfig config "a full E-step keeps the composition whose joint, summed over the task, is best"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let s = small s
                let graph, data, em = em s ofFour perTask
                let choices = em.Assignments.Choices

                let rec all left : int64 list list =
                    if left = 0 then
                        [ [] ]
                    else
                        [
                            for rest in all (left - 1) do
                                for m in 0 .. s.Modules - 1 -> int64 m :: rest
                        ]

                graph.eval ()

                let joint (composition: int64 list) =
                    let rows = torch.tensor(Array.ofList composition).unsqueeze(0L).expand(data.Count, -1L)
                    let output = graph.Forward(data.Inputs, GivenSelector rows, data.Side)

                    let each =
                        numbers (graph.Head.LogLikelihood(output.Features, data.Targets) + output.Tape.LogProbability())

                    [ for task in 0..3 -> members task |> Array.sumBy (fun n -> each[int n]) ]

                let best = all choices |> List.map joint |> List.reduce (List.map2 max)
                let report = em.FullEStep [| for n in 0 .. points - 1 -> int64 n |]
                Expect.floatClose Accuracy.high report.After (List.sum best) "the best there is"

                for task, expected in List.indexed best do
                    Expect.floatClose Accuracy.high (em.LogJoint(members task)) expected "each task's"

        testPropertyWithConfig config "an E-step in parts is the one at once"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let run bytes =
                    let _, _, em =
                        em
                            (chosen s)
                            ofFour
                            (EmSettings(4, 3, 16L, 16L, 1e-2, Assign = EmAssign.PerTask, EStepBytes = bytes))

                    let report = em.Sweep()
                    table em, report.Replaced, report.After

                let table, replaced, after = run (1L <<< 28)
                let table', replaced', after' = run 1L
                Expect.equal (table', replaced') (table, replaced) "what is kept"
                Expect.floatClose Accuracy.high after' after "the joint"

        testCase "data without task ids, and minibatches that are cut, get a message"
        <| fun () ->
            scoped
            <| fun () ->
                let sizes = {
                    Seed = 1
                    Batch = 4
                    Inputs = 2
                    Outputs = 2
                    Modules = 2
                    Choose = 1
                    Bias = true
                    Activation = Activation.Identity
                }

                let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto points
                use streams = new RandomStreams 1L

                complains (fun () -> new ViterbiEm(graph, data, perTask, streams) |> ignore) [
                    "train/assign: expected data with a task id for every datapoint, for `PerTask`, got data without"
                ]

                let cut = EmSettings(4, 3, 16L, 16L, 1e-2, Assign = EmAssign.PerTask, Shards = 2)
                let _, _, em = em sizes ofFour cut
                complains (fun () -> em.EStep() |> ignore) [ "train/assign: expected minibatches that are run whole" ]
    ]
