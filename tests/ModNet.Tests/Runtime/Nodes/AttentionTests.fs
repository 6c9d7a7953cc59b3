/// Layers that read a whole window: held against plain arithmetic.
module ModNet.Tests.AttentionTests

open System
open Expecto
open FsCheck.FSharp
open ModNet.Runtime
open ModNet.Tests.Parts
open ModNet.Tests.Plain

/// Sizes of a sequence and of the heads that read it.
type AttentionSizes = { Seed: int; Batch: int; Steps: int; Heads: int; Each: int; Causal: bool }

type Arbitraries =
    static member AttentionSizes() =
        gen {
            let! seed = Gen.choose (1, 1_000_000)
            let! batch = Gen.choose (1, 3)
            let! steps = Gen.choose (1, 6)
            let! heads = Gen.choose (1, 3)
            let! each = Gen.choose (1, 3)
            let! causal = Gen.elements [ true; false ]

            return { Seed = seed; Batch = batch; Steps = steps; Heads = heads; Each = each; Causal = causal }
        }
        |> Arb.fromGen

let private config = { FsCheckConfig.defaultConfig with maxTest = 40; arbitrary = [ typeof<Arbitraries> ] }

let private width s = s.Heads * s.Each

let private attention s = new SelfAttentionNode("self_attention1", width s, s.Heads, s.Causal, doubles s.Seed)

let private input s = normal s.Seed [ s.Batch; s.Steps; width s ]

/// Attention by its definition, one head, step and number after the other.
let private byHand s (node: SelfAttentionNode) x =
    let weight, bias = matrix (parameter node "weight"), vector (parameter node "bias")
    let outWeight, outBias = matrix (parameter node "out_weight"), vector (parameter node "out_bias")
    let n = width s
    let affine (w: float[][]) (b: float[]) row (v: float[]) = b[row] + Seq.sum (Seq.map2 (*) w[row] v)

    [|
        for sequence: float[][] in cube x do
            let part which head step = [|
                for i in 0 .. s.Each - 1 -> affine weight bias (which * n + head * s.Each + i) sequence[step]
            |]

            for t in 0 .. s.Steps - 1 do
                let last = if s.Causal then t else s.Steps - 1

                let heads = [|
                    for head in 0 .. s.Heads - 1 do
                        let query = part 0 head t

                        let scores = [|
                            for u in 0..last -> Seq.sum (Seq.map2 (*) query (part 1 head u)) / sqrt (float s.Each)
                        |]

                        let total = scores |> Seq.sumBy exp

                        for i in 0 .. s.Each - 1 ->
                            Seq.sum (seq { for u in 0..last -> exp scores[u] / total * (part 2 head u)[i] })
                |]

                for row in 0 .. n - 1 -> affine outWeight outBias row heads
    |]

let private close (expected: float[]) y =
    for a, e in Array.zip (numbers y) expected do
        Expect.isLessThan (abs (a - e)) 1e-12 "values"

[<Tests>]
let tests =
    testList "layers that read a whole window" [
        testPropertyWithConfig config "self-attention is that of plain arithmetic, forward and backward"
        <| fun (s: AttentionSizes) ->
            scoped
            <| fun () ->
                use node = attention s
                let x = input s
                close (byHand s node x) (run node x)
                slopes node x

        testPropertyWithConfig
            config
            "without positions, the order of steps changes their order alone; a causal step reads no later one"
        <| fun (s: AttentionSizes) ->
            scoped
            <| fun () ->
                use node = attention s
                let x = input s

                if s.Causal then
                    let shorter = x.narrow (1L, 0L, int64 s.Steps - 1L)
                    let first = (run node x).narrow(1L, 0L, int64 s.Steps - 1L)
                    if s.Steps > 1 then Expect.isLessThan (distance (run node shorter) first) 1e-12 "earlier steps"
                else
                    Expect.isLessThan (distance (run node (x.flip 1L)) ((run node x).flip 1L)) 1e-12 "steps in reverse"

        testPropertyWithConfig config "positions are sines and cosines of steps' places"
        <| fun (s: AttentionSizes) ->
            scoped
            <| fun () ->
                use node = new PositionsNode("positions1")
                let x = input s

                let expected = [|
                    for sequence: float[][] in cube x do
                        for t in 0 .. s.Steps - 1 do
                            for i in 0 .. width s - 1 do
                                let angle = float t / Math.Pow(10_000.0, float (i - i % 2) / float (width s))
                                sequence[t].[i] + (if i % 2 = 0 then sin angle else cos angle)
                |]

                close expected (run node x)
                slopes node x

        testPropertyWithConfig config "learned positions are rows of their weights"
        <| fun (s: AttentionSizes) ->
            scoped
            <| fun () ->
                use node = new LearnedPositionsNode("learned_positions1", 6, width s, doubles s.Seed)
                let x = input s
                let weight = matrix (parameter node "weight")

                let expected = [|
                    for sequence: float[][] in cube x do
                        for t in 0 .. s.Steps - 1 do
                            for i in 0 .. width s - 1 -> sequence[t].[i] + weight[t].[i]
                |]

                close expected (run node x)
                slopes node x

        testCase "longer windows than there are learned positions, and states that are carried, get a message"
        <| fun () ->
            scoped
            <| fun () ->
                let x = normal 1 [ 1; 3; 2 ]
                use learned = new LearnedPositionsNode("learned_positions1", 2, 2, doubles 1)
                use attention = new SelfAttentionNode("self_attention1", 2, 1, true, doubles 1)
                use positions = new PositionsNode("positions1")

                Expect.equal
                    (complaint (fun () -> run learned x |> ignore))
                    "learned_positions1: expected at most 2 steps, for which it has learned positions, got 3 – give it shorter sequences, or say `positions`"
                    "longer"

                for node in [ learned :> Node; attention; positions ] do
                    use carried = new RecurrentState()

                    Expect.equal
                        (complaint (fun () -> node.Forward(x, Route(ModeSelector(), null, 0L, carried)) |> ignore))
                        $"{node.Name}: expected windows of a text, each read by itself, got a state that is carried from window to window – drop `carry_state`"
                        node.Name
    ]
