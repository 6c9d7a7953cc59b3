/// Graphs and data for libtorch's device `meta`, whose tensors have shapes and no values: it throws where devices are mixed and where a value is read.
module ModNet.Tests.OnMeta

open ModNet
open ModNet.Generators
open ModNet.Runtime
open TorchSharp

/// Eight features, modules of one linear layer.
let chosen (way: ModNet.Dispatch) =
    network "chosen" {
        features 8

        modular {
            modules 4
            unit (linear 8 |> relu)
            choose 2
            dispatch way
        }

        softmax 3
    }

/// Whose controller reads a task id.
let byTask =
    network "tasks" {
        features 2
        tasks 3

        modular {
            modules 2
            unit (linear 2)
            controller Task
        }

        gaussian (variance 0.1)
    }

/// A network whose modules are of several kinds.
let several =
    network "several" {
        image (2, 6, 6)

        modular {
            modules 3
            unit (conv 3 3 |> same |> relu)
            choose 2
        }

        flatten

        modular {
            modules 4
            unit (linear 8 |> tanh)
            choose 2
        }

        modular {
            unit (
                mixed {
                    linear 6 |> relu
                    mlp [ 5; 6 ]
                }
            )
        }

        modular {
            modules 3

            unit (
                chain {
                    layer_norm
                    linear 4 |> gelu
                }
            )

            controller (Mlp [ 3 ])
        }

        softmax 3
    }

/// Layers of 40 units, of which one has modules.
let wide =
    network "plain" {
        features 40
        linear 40 |> relu

        modular {
            modules 3
            unit (linear 40)
            controller (Mlp [ 40 ])
        }

        softmax 5
    }

let withoutModules =
    network "plain" {
        features 2
        linear 2
        gaussian (variance 0.1)
    }

let device = torch.device TorchSharp.DeviceType.META

/// A network's graph, its parameters on a device.
let graphOn (device: torch.Device) (dtype: torch.ScalarType) (network: Network) : Graph =
    Compile.graph (Initialiser(generator 7, dtype, device)) (generator 8) network

/// So many datapoints for a network, on the CPU, as training takes them.
let dataFor (dtype: torch.ScalarType) (weighted: bool) (count: int) (network: Network) : Dataset =
    let points = Batches.draw { Datapoints = count; Steps = 2; Seed = 6; DType = dtype; Weighted = weighted } network

    new Dataset(points.Inputs, points.Targets, points.Side)

/// The occasions on which the host waited for the device meanwhile, by name, in order.
let waits (body: unit -> unit) : string list = FromDevice.Waits(System.Action body) |> Seq.map _.Name |> List.ofSeq

/// Runs on this thread as on an accelerator, wherever the tensors are.
let asAccelerator (body: unit -> 'Result) : 'Result = Accelerator.Assume(System.Func<'Result> body)

type Make = Graph -> Dataset -> RandomStreams -> torch.Device -> TrainingMethod

let private steps: GradientSettings = GradientSettings(4L, Optimizer = AdamKind 1e-2)

/// Every method, with the least that makes it do all that it does, as it is made on a device.
let methods (settings: GradientSettings) : (string * Make) list = [
    "em",
    fun graph data streams device ->
        new ViterbiEm(graph, data, EmSettings(settings, Samples = 3, MSteps = 2, EBatch = 4L), streams, device)
    "reinforce",
    fun graph data streams device ->
        new Runtime.Reinforce(graph, data, ReinforceSettings(Gradient = settings), streams, device)
    "noisy top-k",
    fun graph data streams device ->
        new Runtime.NoisyTopK(graph, data, NoisyTopKSettings(1, 0.1, 0.1, Gradient = settings), streams, device)
    "loss-free top-k",
    fun graph data streams device ->
        new Runtime.LossFreeTopK(graph, data, LossFreeTopKSettings(1, 0.01, Gradient = settings), streams, device)
    "static", (fun graph data streams device -> new StaticModules(graph, data, settings, streams, device))
    "exact", (fun graph data streams device -> new ExactLikelihood(graph, data, settings, streams, device))
]

let plainMethods = methods steps

/// With the dispatches that are meant for accelerators: those that read nothing back.
let meant (network: Network) : Network =
    network
    |> NetworkRuns.rewriteModulars (fun modular ->
        match modular.Dispatch with
        | Wide
        | Gather
        | ModNet.Dispatch.Kernel -> modular
        | _ -> { modular with Dispatch = ModNet.Dispatch.Auto })

/// Whether there is something to learn.
let private learns (network: Network) : bool =
    scoped (fun () ->
        use graph = NetworkRuns.compiled network
        graph.parameters () |> Seq.isEmpty |> not)

/// Whether a method takes the network: mixtures want K = 1, sums and controllers that score modules; enumeration wants few compositions and no penalties.
let takes (name: string) (network: Network) : bool =
    let modulars =
        (NetworkRuns.plan network).Layers
        |> List.collect _.Unfolded
        |> List.choose _.Layer.Choosing
        |> List.filter (fun modular -> modular.Controller <> Given)

    let mixes =
        modulars
        |> List.forall (fun modular ->
            modular.Choose = 1
            && modular.Combine = Sum
            && (match modular.Controller with
                | Linear
                | Mlp _
                | Conv _
                | Controller.Task -> true
                | _ -> false))

    learns network
    && (match name with
        | "noisy top-k"
        | "loss-free top-k" -> mixes
        | "exact" ->
            let compositions = NetworkRuns.modulesPerChoice network |> Array.fold (fun all m -> all * float m) 1.0

            let penalised =
                (NetworkRuns.plan network).Layers
                |> List.collect _.Unfolded
                |> List.exists (fun layer -> layer.Layer.IsActivityL1 || layer.Layer.IsLocality)

            compositions <= 300.0 && not penalised
        | _ -> true)
