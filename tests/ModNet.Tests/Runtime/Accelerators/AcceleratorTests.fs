/// Steps, E-steps and evaluation of every method mix no devices and wait for nothing but what is named, on libtorch's device `meta`; and what they do otherwise than
/// on the CPU comes to the same, on the CPU.
module ModNet.Tests.AcceleratorTests

open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Runtime
open ModNet.Tests.NetworkRuns
open ModNet.Tests.OnMeta
open TorchSharp

let private small = { Limits.small with Vocabulary = 5 }

let private examples = [ "toy", ExampleNetworks.toy; "cifar", ExampleNetworks.cifar 2; "words", ExampleNetworks.lm ]

/// Every parameter is where it was.
let private stayed (graph: Graph) =
    for struct (name, parameter) in graph.named_parameters () do
        Expect.equal parameter.device_type TorchSharp.DeviceType.META name

/// Three steps, a reported one and an evaluation of a method, and where they waited.
let private run (make: Make) (network: Network) (weighted: bool) =
    scoped
    <| fun () ->
        use graph = graphOn device torch.float32 network
        use data = dataFor torch.float32 weighted 10 network
        use streams = new RandomStreams 3L
        use learner = make graph data streams device

        let stepped =
            waits (fun () ->
                for _ in 1..3 do
                    learner.Step())

        let reported = waits (fun () -> learner.StepAndReport() |> ignore)
        let evaluated = waits (fun () -> Evaluation.Of(graph, [ data ], 4L, device, learner.Evaluating) |> ignore)
        stayed graph
        graph.HasChoice, stepped, reported, evaluated

let private check (name: string) (make: Make) (network: Network) (weighted: bool) =
    let chooses, stepped, reported, evaluated = run make network weighted
    // An E-step before every second gradient step.
    Expect.equal stepped [ if name = "em" && chooses then yield! [ "E-step outcome"; "E-step outcome" ] ] "three steps"
    Expect.equal reported [ "finiteness"; "report" ] "a reported step"
    Expect.equal evaluated [ "report" ] "an evaluation"

/// What three steps, a reported one and an evaluation give on the CPU: losses, metrics, parameters, assignments.
let private results (make: Make) (network: Network) (weighted: bool) (dtype: torch.ScalarType) =
    scoped
    <| fun () ->
        use graph = graphOn torch.CPU dtype network
        use data = dataFor dtype weighted 10 network
        use streams = new RandomStreams 3L
        use learner = make graph data streams torch.CPU

        for _ in 1..3 do
            learner.Step()

        let step = learner.StepAndReport()
        let seen = Evaluation.Of(graph, [ data ], 4L, torch.CPU, learner.Evaluating)

        let held =
            match learner.Held [| 0L .. 9L |] with
            | null -> []
            | held -> List.ofArray (numbers held)

        [
            yield! [ step.Loss; step.LogLikelihood; seen.LogLikelihood ]

            for statistics in [ step.Statistics; seen.Statistics ] do
                yield! [
                    statistics.SelectionEntropy
                    statistics.BatchSelectionEntropy
                    statistics.ModulesUsed
                    statistics.EffectiveModules
                ]

            for score in [ step.Score; seen.Score ] do
                yield! [ score.Accuracy.GetValueOrDefault nan; score.SquaredError.GetValueOrDefault nan ]

            match learner with
            | :? Runtime.Reinforce as reinforce -> reinforce.Average.Value
            | _ -> ()

            yield! held

            for _, parameter in Slopes.parameters graph do
                yield! numbers parameter

            for struct (_, buffer) in graph.named_buffers () do
                yield! numbers buffer
        ]

/// The ways of accelerators come to what the CPU's come to.
let private agree (make: Make) (network: Network) (weighted: bool) (dtype: torch.ScalarType) (tolerance: float) =
    let expected = results make network weighted dtype
    let got = asAccelerator (fun () -> results make network weighted dtype)
    Expect.equal got.Length expected.Length "as many numbers"

    for e, a in List.zip expected got do
        if not (e = a || System.Double.IsNaN e && System.Double.IsNaN a) then
            Expect.isLessThan (abs (e - a)) (tolerance * (1.0 + abs e)) "a number"

/// EM with a setting, on a network on meta.
let private settled (settings: GradientSettings) (network: Network) =
    scoped
    <| fun () ->
        let make = methods settings |> List.head |> snd
        use graph = graphOn device torch.float32 network
        use data = dataFor torch.float32 false 10 network
        use streams = new RandomStreams 3L
        use learner = make graph data streams device

        waits (fun () ->
            for _ in 1..2 do
                learner.Step())
        |> List.distinct
        |> List.sort

[<Tests>]
let tests =
    testList "accelerators" [
        for name, make in plainMethods do
            for example, network in examples do
                if takes name network then
                    testCase $"{name} on {example} mixes no devices and waits for nothing else"
                    <| fun () -> check name make network false

            testPropertyWithConfig (config 901 25) $"{name} on any network mixes no devices and waits for nothing else"
            <| Prop.forAll (within small) (fun network ->
                takes name network ==> lazy (check name make (meant network) true))

            for example, network in examples do
                if takes name network && example <> "words" then
                    testCase $"{name} on {example} comes to the same as on the CPU"
                    <| fun () -> agree make network false torch.float64 1e-7

            testPropertyWithConfig
                (config 902 12)
                $"{name} on any network without chance in its modules comes to the same as on the CPU"
            <| Prop.forAll (within small) (fun network ->
                takes name network ==> lazy (agree make (meant (without network)) true torch.float64 1e-6))

        for name, settings, expected in
            [
                "plain", GradientSettings(4L), []
                "clipped", GradientSettings(4L, ClipNorm = 1.0), []
                "averaged", GradientSettings(4L, AverageWeights = 0.9), []
                "smoothed", GradientSettings(4L, LabelSmoothing = 0.1), []
                "by momentum", GradientSettings(4L, Optimizer = SgdKind(0.1, 0.9)), []
                "by AdamW", GradientSettings(4L, Optimizer = AdamWKind(0.1, 0.1)), []
                "in bfloat16", GradientSettings(4L, Precision = Runtime.Precision.Bfloat16Products), []
                "with modules that rest",
                GradientSettings(4L, Unselected = Runtime.Unselected.Rest),
                [ "modules in use" ]
            ] do
            testCase $"steps {name} wait for what is named"
            <| fun () ->
                Expect.equal
                    (settled settings (chosen ModNet.Dispatch.Auto))
                    (List.sort ("E-step outcome" :: expected))
                    "waits"

        for dispatch, expected in
            [
                ModNet.Dispatch.Auto, []
                Wide, []
                Gather, []
                ModNet.Dispatch.Kernel, []
                Grouped, [ "choices" ]
                Loop, [ "choices" ]
            ] do
            testCase $"dispatch {dispatch} waits for what is named"
            <| fun () ->
                Expect.equal
                    (settled (GradientSettings 4L) (chosen dispatch))
                    (List.sort ("E-step outcome" :: expected))
                    "waits"

        testCase "the rule gathers where there are many more modules than choices"
        <| fun () ->
            scoped
            <| fun () ->
                let name modules choose =
                    use pool = new LinearPool("pool", modules, 2, 2, Activation.Identity, true, doubles 1)
                    AutoDispatch.ChooseForAccelerator(pool, choose).Name

                Expect.equal (name 64 1L) "wide" "64 modules"
                Expect.equal (name 65 1L) "gather" "65 modules"
                Expect.equal (name 65 2L) "wide" "two choices"

        testCase "recurrent layers that carry their state go on from minibatch to minibatch on the device"
        <| fun () ->
            scoped
            <| fun () ->
                use streams = new RandomStreams 5L
                let graph, data = Fixtures.resumingOn device streams 4 true
                use em = new ViterbiEm(graph, data, EmSettings(3, 2, 4L, 4L), streams, device)

                let seen =
                    waits (fun () ->
                        for _ in 1..4 do
                            em.Step())

                Expect.equal seen [ "E-step outcome"; "E-step outcome" ] "waits"
                stayed graph

                let evaluated = waits (fun () -> Evaluation.Of(graph, [ data ], 4L, device) |> ignore)
                Expect.equal evaluated [ "report" ] "an evaluation"

        testCase "an E-step in parts waits once for each"
        <| fun () ->
            scoped
            <| fun () ->
                use graph = graphOn device torch.float32 (chosen ModNet.Dispatch.Auto)
                use data = dataFor torch.float32 false 10 (chosen ModNet.Dispatch.Auto)
                use streams = new RandomStreams 3L
                let settings = EmSettings(3, 2, 10L, 4L, EStepBytes = 1L)
                use em = new ViterbiEm(graph, data, settings, streams, device)
                let seen = waits (fun () -> em.EStep() |> ignore)
                Expect.equal (List.distinct seen) [ "E-step outcome" ] "waits"
                Expect.isGreaterThan seen.Length 10 "in parts"

        testCase "what a layer looks up is checked on the host, before training and evaluation"
        <| fun () ->
            scoped
            <| fun () ->
                use graph = graphOn device torch.float32 byTask
                let points = (dataFor torch.float32 false 4 byTask)
                let wrong = SideInputs(torch.tensor [| 0L; 1L; 7L; 2L |], null, null)
                use data = new Dataset(points.Inputs, points.Targets, wrong)
                use streams = new RandomStreams 1L

                let says (body: unit -> unit) =
                    Expect.throwsC body (fun error ->
                        Expect.stringContains
                            error.Message
                            "a task id from 0 to 2 for each of 4 datapoints, got 7"
                            "message")

                says (fun () -> new StaticModules(graph, data, GradientSettings 4L, streams, device) |> ignore)
                says (fun () -> Evaluation.Of(graph, [ data ], 4L, device) |> ignore)

        testCase "docs/accelerators.md has every wait"
        <| fun () ->
            let page = System.IO.File.ReadAllText(System.IO.Path.Combine(Clone.root, "docs", "accelerators.md"))

            for wait in Wait.All do
                Expect.stringContains page $"| {wait.Name} | {wait.Reads} | {wait.Why} | {wait.Instead} |" wait.Name
    ]
