/// Steps in one pass over each parameter against the optimiser's own, by libtorch's operators.
module ModNet.Tests.FusedStepTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet.Runtime
open TorchSharp
open TorchSharp.Modules

type private Case = {
    Kind: OptimizerKind
    /// Of each parameter the shape, and whether it is of float64, which is left to the optimiser.
    Parameters: (int64[] * bool) list
    Seed: int
}

type private Cases =
    static member Case() =
        gen {
            let! kind =
                Gen.elements [
                    AdamKind 0.02 :> OptimizerKind
                    AdamWKind(0.02, 0.3)
                    SgdKind(0.05, 0.8)
                    SgdKind(0.05, 0.0)
                ]

            let! shape =
                Gen.elements [ [||]; [| 1L |]; [| 17L |]; [| 5L; 3L |]; [| 4L; 33L; 2L |]; [| 300L; 257L |] ]
                |> Gen.map (fun shape -> shape, false)
                |> Gen.nonEmptyListOf
                |> Gen.resize 4

            let! wide = Gen.elements [ []; [ [| 6L |], true ] ]
            let! seed = Gen.choose (0, 1_000_000)

            return { Kind = kind; Parameters = shape @ wide; Seed = seed }
        }
        |> Arb.fromGen

let private config = trying 60 typeof<Cases> (20261128UL, 1UL)

let private dtype isDouble = if isDouble then torch.ScalarType.Float64 else torch.ScalarType.Float32

[<Tests>]
let tests =
    testList "fused steps" [
        testPropertyWithConfig config "are the optimiser's own, weights and memory, whatever gradients are there"
        <| fun (case: Case) ->
            scoped
            <| fun () ->
                let random = Random case.Seed
                use generator = new torch.Generator(uint64 case.Seed)

                let made (shape: int64[]) isDouble = torch.randn (shape, dtype = dtype isDouble, generator = generator)

                let starts = [ for shape, isDouble in case.Parameters -> made shape isDouble ]
                let copies () = [| for start in starts -> new Parameter(start.clone ()) |]
                let expected, actual = copies (), copies ()
                use byOptimizer = case.Kind.Over expected
                use memory = case.Kind.Over actual
                let fused = FusedSteps(case.Kind.Memories(actual, memory), memory)

                for step in 1..5 do
                    let rate = case.Kind.Rate / float step

                    for group in Seq.append byOptimizer.ParamGroups memory.ParamGroups do
                        group.LearningRate <- rate

                    for e, a, (shape, isDouble) in Seq.zip3 expected actual case.Parameters do
                        // A step may pass a parameter over.
                        let gradient = if random.Next 4 = 0 then null else made shape isDouble
                        e.grad <- gradient

                        a.grad <-
                            if isNull gradient then null
                            // As a transposed product leaves it.
                            elif shape.Length = 2 then gradient.t().contiguous().t()
                            else gradient.clone ()

                    byOptimizer.step () |> ignore
                    fused.Step rate

                let same what (e: torch.Tensor) (a: torch.Tensor) =
                    for e, a in Array.zip (numbers e) (numbers a) do
                        Expect.isLessThan (abs (e - a)) (1e-5 * (1.0 + abs e)) what

                for e, a in Seq.zip expected actual do
                    same "a parameter" e a

                for e, a in Seq.zip (byOptimizer.state_dict().State) (memory.state_dict().State) do
                    match AdamMoments.Of e, AdamMoments.Of a, e, a with
                    | null, null, (:? SGD.State as e), (:? SGD.State as a) ->
                        Expect.equal (isNull a.momentum_buffer) (isNull e.momentum_buffer) "whether there is momentum"

                        if not (isNull e.momentum_buffer) then same "the momentum" e.momentum_buffer a.momentum_buffer
                    | null, _, _, _
                    | _, null, _, _ -> failtest "two kinds of memory"
                    | e, a, _, _ ->
                        Expect.equal a.Step e.Step "how many steps"
                        same "the first moment" e.First a.First
                        same "the second moment" e.Second a.Second
    ]
