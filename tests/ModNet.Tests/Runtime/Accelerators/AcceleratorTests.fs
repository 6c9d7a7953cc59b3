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

/// With the dispatches that are meant for accelerators: those that read nothing back.
let private meant (network: Network) : Network =
    network
    |> rewriteModulars (fun modular ->
        match modular.Dispatch with
        | Wide
        | Gather
        | ModNet.Dispatch.Kernel -> modular
        | _ -> { modular with Dispatch = ModNet.Dispatch.Auto })

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

[<Tests>]
let tests =
    testList "accelerators" [
        for name, make in plainMethods do
            for example, network in examples do
                if takes name network then
                    testCase $"{name} on {example} mixes no devices and waits for nothing else"
                    <| fun () -> check name make network false

            testPropertyWithConfig (config 901 25) $"{name} on any network mixes no devices and waits for nothing else"
            <| Prop.forAll (within small) (fun network -> takes name network ==> lazy (check name make (meant network) true))
    ]
