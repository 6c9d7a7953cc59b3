namespace ModNet.Tests

open System
open ModNet.Runtime
open TorchSharp

/// Sizes of a modular layer, drawn small enough for the loop oracle.
type Sizes = {
    Seed: int
    Batch: int
    Modules: int
    Choose: int
    Inputs: int
    Outputs: int
    Bias: bool
    Activation: Activation
}

/// What tests build graphs from.
module Fixtures =

    open FsCheck.FSharp

    /// One of each kind.
    let activations = [
        Activation.Identity
        Activation.Relu
        Activation.Tanh
        Activation.Sigmoid
        Activation.Gelu
        Activation.Silu
        Activation.LeakyRelu 0.2
        Activation.Elu 0.7
        Activation.Softplus
        Activation.Hardswish
        Activation.Mish
        Activation.Softmax
        Activation.LogSoftmax
    ]

    let sizes =
        gen {
            let! seed = Gen.choose (1, 1_000_000)
            let! batch = Gen.choose (1, 9)
            let! modules = Gen.choose (1, 6)
            let! choose = Gen.choose (1, 4)
            let! inputs = Gen.choose (1, 5)
            let! outputs = Gen.choose (1, 5)
            let! bias = Gen.elements [ true; false ]

            let! activation = Gen.elements activations

            return {
                Seed = seed
                Batch = batch
                Modules = modules
                Choose = choose
                Inputs = inputs
                Outputs = outputs
                Bias = bias
                Activation = activation
            }
        }

    type Arbitraries =
        static member Sizes() : FsCheck.Arbitrary<Sizes> = Arb.fromGen sizes

    let pool (s: Sizes) = new LinearPool("pool", s.Modules, s.Inputs, s.Outputs, s.Activation, s.Bias, doubles s.Seed)

    /// A regression of one modular layer with a Gaussian head, in double precision, and data of its sizes.
    let regression (s: Sizes) (combine: Combine) (dispatch: Dispatch) (datapoints: int) =
        let init = doubles s.Seed

        let pool = new LinearPool("pool", s.Modules, s.Inputs, s.Outputs, s.Activation, s.Bias, init)

        let controller = new LinearController(s.Inputs, s.Choose, s.Modules, init)
        let layer = new ModularLayer("modular1", controller, pool, combine, dispatch)
        let graph = new Graph([| layer :> Node |], new GaussianHead(0.3, false, init))
        let width = combine.Width(s.Outputs, s.Choose)

        let data = new Dataset(normal (s.Seed + 1) [ datapoints; s.Inputs ], normal (s.Seed + 2) [ datapoints; width ])

        graph, data

    /// A small modular GRU language model, its parameters from an initialiser, and random windows of words.
    let languageBy (init: Initialiser) (seed: int) modules choose (dispatch: Dispatch) datapoints window =
        let vocabulary, embedding, hidden = 7, 3, 4

        let pool = new LinearPool("words", modules, hidden + embedding, hidden, Activation.Identity, true, init)

        let controller = new LinearController(hidden + embedding, choose, modules, init)
        let embed = new EmbedNode("embed1", vocabulary, embedding, init)

        let gru = new ModularGru("modular_gru1", embedding, hidden, controller, pool, Combine.Sum, dispatch, init)

        let graph = new Graph([| embed :> Node; gru |], new SoftmaxHead(hidden, vocabulary, init))

        let text = indices (seed + 1) vocabulary datapoints (window + 1)

        let data = new Dataset(text.narrow(1, 0L, int64 window).clone(), text.narrow(1, 1L, int64 window).clone())

        graph, data

    /// A language model with all that a run remembers: dropout, and recurrent layers before, at and after the choices; and 23
    /// windows of a text, which may carry the state.
    let resumingOn (device: torch.Device) (streams: RandomStreams) (window: int) (carried: bool) =
        let vocabulary, width, modules = 6, 3, 3
        let init = Initialiser(streams.Init, device = device)

        let pool = new LinearPool("words", modules, 2 * width, width, Activation.Identity, true, init)

        let controller = new LinearController(2 * width, 1, modules, init)

        let nodes: Node list = [
            new EmbedNode("embed1", vocabulary, width, init)
            new GruNode("gru1", width, width, init)
            new LstmNode("lstm1", width, width, init)
            new ModularGru("modular_gru1", width, width, controller, pool, Combine.Sum, Dispatch.Auto, init)
            new GruNode("gru2", width, width, init)
            new Conv1dNode("conv1d1", width, width, 3, 2, Activation.Gelu, true, init)
            new DropoutNode("dropout1", 0.2, streams.Dropout)
        ]

        let graph = new Graph(List.toArray nodes, new SoftmaxHead(width, vocabulary, init))

        let text = indices 3 vocabulary (23 * window + 1) 1

        let windows start = text.view(-1L).narrow(0L, int64 start, 23L * int64 window).view(23L, int64 window).clone()

        graph, new Dataset(windows 0, windows 1, consecutive = carried)

    /// The same on the CPU.
    let resuming (streams: RandomStreams) (window: int) (carried: bool) = resumingOn torch.CPU streams window carried

    /// A small modular GRU language model in double precision.
    let language (seed: int) (modules: int) (choose: int) (dispatch: Dispatch) (datapoints: int) (window: int) =
        languageBy (doubles seed) seed modules choose dispatch datapoints window

    let everything (data: Dataset) = [| 0L .. data.Count - 1L |]

    let parameter (graph: Graph) (name: string) : torch.Tensor = graph.state_dict().[name]
