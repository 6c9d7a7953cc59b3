/// What properties of compiled networks share: the graph in double precision, a few datapoints, and ways to run it.
module ModNet.Tests.NetworkRuns

open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Runtime
open TorchSharp

/// Sound networks as arguments, broken ones as `Planted`; the first networks are tiny. Every property has a seed of its own.
let config seed count = {
    FsCheckConfig.defaultConfig with
        arbitrary = [ typeof<Arbitraries> ]
        maxTest = count
        replay = Some(uint64 (seed: int), 1UL, None)
}

/// Sound networks within limits, with shrinking.
let within limits = Arb.fromGenShrink (Networks.soundWithin limits, Networks.shrink)

let compiled (network: Network) : Graph = Compile.graph (doubles 7) (generator 8) network

let datapoints = 3
let steps = 2

let batch (network: Network) : Batch =
    Batches.draw
        { Datapoints = datapoints; Steps = steps; Seed = 5; DType = torch.ScalarType.Float64; Weighted = false }
        network

let plan (network: Network) = Expect.wantOk (Check.plan network) "sound"

let summary (network: Network) = Expect.wantOk (check network) "sound"

/// Runs a network's graph on a few datapoints, in evaluation mode, in a scope of its own.
let running (network: Network) (body: Graph -> Batch -> 'Result) : 'Result =
    scoped (fun () ->
        use graph = compiled network
        graph.eval ()
        body graph (batch network))

let forward (graph: Graph) (batch: Batch) (selector: Selector) : GraphOutput =
    graph.Forward(batch.Inputs, selector, batch.Side)

/// The head's input where every site takes its most probable modules.
let features (graph: Graph) (batch: Batch) = forward graph batch (ModeSelector()) |> _.Features

/// Compositions [B, C] drawn from the controllers; None where nothing is chosen.
let drawn (graph: Graph) (batch: Batch) =
    let tape = (forward graph batch (SampledSelector(generator 9))).Tape

    if tape.Choices = 0 then None else Some(tape.Composition())

/// The same of a network's graph; of the scope around.
let drawnFor (network: Network) =
    running network (fun graph batch -> drawn graph batch |> Option.map _.MoveToOuterDisposeScope())

/// A selector for compositions, where there are any.
let given (compositions: torch.Tensor option) : Selector =
    match compositions with
    | Some compositions -> GivenSelector compositions
    | None -> ModeSelector()

/// Nothing is different but by rounding.
let near (actual: torch.Tensor) (expected: torch.Tensor) message =
    let scale = if expected.numel () = 0L then 1.0 else 1.0 + expected.abs().max().ToDouble()

    Expect.isLessThan (distance actual expected / scale) 1e-9 message

/// Two networks of the same parameters, drawn in the same order, give the same outputs.
let sameOutputs (network: Network) (other: Network) =
    let outputs network = running network (fun graph batch -> (features graph batch).MoveToOuterDisposeScope())

    scoped (fun () -> near (outputs other) (outputs network) "outputs")

/// The gradient of a scalar in every parameter, by name; zeros where it does not depend on it.
let gradientsOf (graph: Graph) (value: torch.Tensor) : (string * float[]) list = [
    graph.zero_grad ()

    if value.requires_grad then value.backward ()

    for struct (name, parameter) in graph.named_parameters () ->
        let gradient = parameter.grad

        name, (if isNull gradient then Array.zeroCreate (int (parameter.numel ())) else numbers gradient)
]

/// What a pool's parameters' names begin with.
let poolPath (name: string) = "pools." + name.Replace(".", "//") + "."

/// Whether a datapoint of the network is a sequence.
let isSequence (network: Network) = network.Layers.Head.IsTokens || network.Layers.Head.IsSequence

/// Whether state may be carried through the network from window to window.
let carriesState (network: Network) =
    LayerTree.all network.Layers
    |> List.forall (fun layer -> not (layer.IsSelfAttention || layer.IsPositions || layer.IsLearnedPositions))

/// M of every choice that is made of a datapoint, in order.
let modulesPerChoice (network: Network) = [|
    let times = if isSequence network then steps else 1

    for layer in (plan network).Layers |> List.collect _.Unfolded do
        match layer.Layer.Choosing with
        | Some modular when modular.Controller <> Given && modular.Controller <> ByTask ->
            for _ in 1 .. times * modular.Choose do
                modular.Pool.Modules
        | _ -> ()
|]

let isChosen network = modulesPerChoice network |> Array.isEmpty |> not

/// A change of every layer outside modules, what is inside others first.
let rec rewrite (change: Layer -> Layer) (layers: Layer list) : Layer list =
    let inside = rewrite change

    layers
    |> List.map (fun layer ->
        change (
            match layer with
            | Layer.Residual layers -> Layer.Residual(inside layers)
            | Layer.Coupling layers -> Layer.Coupling(inside layers)
            | Layer.Uncoupling layers -> Layer.Uncoupling(inside layers)
            | Layer.Repeat(times, layers) -> Layer.Repeat(times, inside layers)
            | Layer.Block(name, layers) -> Layer.Block(name, inside layers)
            | Layer.SumOf branches -> Layer.SumOf(List.map inside branches)
            | Layer.ConcatOf branches -> Layer.ConcatOf(List.map inside branches)
            | other -> other
        ))

let rewriteNetwork change (network: Network) = { network with Layers = rewrite change network.Layers }

/// A change of every layer's choice.
let rewriteModulars (change: Modular -> Modular) =
    rewriteNetwork (function
        | Layer.Modular settings -> Layer.Modular(change settings)
        | Layer.ModularGru gru -> Layer.ModularGru { gru with Candidate = change gru.Candidate }
        | other -> other)

/// Without what runs differently in training, in modules too.
let without =
    let rec plain (layers: Layer list) =
        layers
        |> rewrite (function
            | Layer.Dropout _
            | Layer.BatchNorm -> Layer.Activation Tanh
            | Layer.Modular modular -> Layer.Modular(inModules modular)
            | Layer.ModularGru gru -> Layer.ModularGru { gru with Candidate = inModules gru.Candidate }
            | other -> other)

    and inModules modular = { modular with Pool = { modular.Pool with Units = List.map plain modular.Pool.Units } }

    fun (network: Network) -> { network with Layers = plain network.Layers }

/// The first layers (input, task ids, columns that are embedded), the body, the head.
let ends (network: Network) =
    let opening =
        network.Layers
        |> List.takeWhile (fun layer ->
            layer.IsTokens
            || layer.IsFeatures
            || layer.IsSequence
            || layer.IsImage
            || layer.IsTasks
            || layer.IsEmbedColumns)

    let rest = List.skip opening.Length network.Layers
    opening, List.take (rest.Length - 1) rest, List.last rest
