/// Layers over sequences that keep a state: held against libtorch's own, and against themselves on windows of a text.
module ModNet.Tests.SequenceNodeTests

open System
open Expecto
open FsCheck.FSharp
open ModNet.Runtime
open ModNet.Tests.Parts
open ModNet.Tests.Plain
open TorchSharp

/// Sizes of a sequence and of the layer that reads it.
type SequenceSizes = { Seed: int; Batch: int; Steps: int; Inputs: int; Width: int; Kernel: int; Dilation: int }

type Arbitraries =
    static member SequenceSizes() =
        gen {
            let! seed = Gen.choose (1, 1_000_000)
            let! batch = Gen.choose (1, 4)
            let! steps = Gen.choose (1, 6)
            let! inputs = Gen.choose (1, 4)
            let! width = Gen.choose (1, 4)
            let! kernel = Gen.choose (1, 4)
            let! dilation = Gen.choose (1, 3)

            return {
                Seed = seed
                Batch = batch
                Steps = steps
                Inputs = inputs
                Width = width
                Kernel = kernel
                Dilation = dilation
            }
        }
        |> Arb.fromGen

let private config = { FsCheckConfig.defaultConfig with maxTest = 40; arbitrary = [ typeof<Arbitraries> ] }

let private lstmOf s = new LstmNode("lstm1", s.Inputs, s.Width, doubles s.Seed)

let private convOf s =
    new Conv1dNode("conv1d1", s.Inputs, s.Width, s.Kernel, s.Dilation, Activation.Tanh, s.Seed % 2 = 0, doubles s.Seed)

/// libtorch's LSTM with the node's parameters.
let private peer s (node: LstmNode) =
    let peer =
        torch.nn.LSTM(int64 s.Inputs, int64 s.Width, batchFirst = true, dtype = Nullable torch.ScalarType.Float64)

    use _ = torch.no_grad ()
    let own = dict (Slopes.parameters node)
    let theirs = dict [ for struct (name, p) in peer.named_parameters () -> name, p ]
    let weight = own["weight"]
    theirs["weight_hh_l0"].copy_(weight.narrow (1L, 0L, int64 s.Width)) |> ignore
    theirs["weight_ih_l0"].copy_(weight.narrow (1L, int64 s.Width, int64 s.Inputs)) |> ignore
    theirs["bias_ih_l0"].copy_ own["bias"] |> ignore
    theirs["bias_hh_l0"].zero_() |> ignore
    peer, theirs

let private same what (expected: torch.Tensor) (actual: torch.Tensor) =
    Expect.equal actual.shape expected.shape $"{what}: shape"
    Expect.isLessThan (distance expected actual) 1e-12 what

/// The node on the whole of x, and on x in windows of these lengths, which carry the state.
let private carries s (node: Node) =
    let x = normal s.Seed [ s.Batch; 3 * s.Steps; s.Inputs ]
    let whole = run node x
    use carried = new RecurrentState()

    let windows = [|
        for window in 0..2 ->
            node.Forward(
                x.narrow (1L, int64 (window * s.Steps), int64 s.Steps),
                Route(ModeSelector(), null, 0L, carried)
            )
    |]

    same "windows that carry the state, beside the whole" whole (torch.cat (windows, 1L))

[<Tests>]
let tests =
    testList "sequence nodes" [
        testPropertyWithConfig config "an LSTM is libtorch's, forward and backward"
        <| fun (s: SequenceSizes) ->
            scoped
            <| fun () ->
                use node = lstmOf s
                let peer, theirs = peer s node
                use peer = peer
                let upstream = normal (s.Seed + 1) [ s.Batch; s.Steps; s.Width ]
                let own = (normal s.Seed [ s.Batch; s.Steps; s.Inputs ]).requires_grad_ true
                let other = (normal s.Seed [ s.Batch; s.Steps; s.Inputs ]).requires_grad_ true
                let y = run node own
                let struct (expected, _, _) = peer.forward (other, Nullable())
                same "states" expected y
                (y * upstream).sum().backward()
                (expected * upstream).sum().backward()
                same "input gradient" other.grad own.grad

                same
                    "weight gradient"
                    (torch.cat ([| theirs["weight_hh_l0"].grad; theirs["weight_ih_l0"].grad |], 1L))
                    (parameter node "weight").grad

                same "bias gradient" theirs["bias_ih_l0"].grad (parameter node "bias").grad

        testPropertyWithConfig config "an LSTM goes on where the window before ended"
        <| fun (s: SequenceSizes) -> scoped (fun () -> carries s (lstmOf s))

        testPropertyWithConfig config "a convolution over steps is that of plain arithmetic, forward and backward"
        <| fun (s: SequenceSizes) ->
            scoped
            <| fun () ->
                let node = convOf s
                let x = normal s.Seed [ s.Batch; s.Steps; s.Inputs ]
                let weight = cube (parameter node "weight")

                let bias = if s.Seed % 2 = 0 then vector (parameter node "bias") else Array.zeroCreate s.Width

                let expected = [|
                    for sequence in cube x do
                        for t in 0 .. s.Steps - 1 do
                            for channel in 0 .. s.Width - 1 do
                                tanh (
                                    bias[channel]
                                    + Seq.sum (
                                        seq {
                                            for back in 0 .. s.Kernel - 1 do
                                                let step = t - back * s.Dilation

                                                if step >= 0 then
                                                    for i in 0 .. s.Inputs - 1 ->
                                                        weight[channel].[i].[s.Kernel - 1 - back] * sequence[step].[i]
                                        }
                                    )
                                )
                |]

                let y = run node x
                Expect.equal y.shape [| int64 s.Batch; int64 s.Steps; int64 s.Width |] "shape"

                for a, e in Array.zip (numbers y) expected do
                    Expect.isLessThan (abs (a - e)) 1e-12 "values"

                slopes node x

        testPropertyWithConfig config "a convolution over steps goes on where the window before ended"
        <| fun (s: SequenceSizes) -> scoped (fun () -> carries s (convOf s))

        testPropertyWithConfig config "neither reads a later step"
        <| fun (s: SequenceSizes) ->
            scoped
            <| fun () ->
                let x = normal s.Seed [ s.Batch; s.Steps + 1; s.Inputs ]
                let other = x.clone ()
                other.select(1L, int64 s.Steps).zero_() |> ignore

                for node in [ lstmOf s :> Node; convOf s ] do
                    let first (t: torch.Tensor) = (run node t).narrow(1L, 0L, int64 s.Steps)
                    Expect.equal (distance (first x) (first other)) 0.0 node.Name
    ]
