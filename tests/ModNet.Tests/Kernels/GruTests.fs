/// The modular GRU's kernel against the same node in double precision, step by step through libtorch.
module ModNet.Tests.GruTests

open System
open Expecto
open FsCheck
open ModNet.Kernels
open ModNet.Runtime
open ModNet.Tests.GruCases
open TorchSharp

let private config = trying 120 typeof<Cases> (20181125UL, 1UL)

/// Choices are as they were to be made, going by the kernel's own probabilities.
let private checkChoices (case: Case) (data: Data) (r: Results) =
    let s = case.Size
    let each = s.Steps * s.Choose

    for i in 0 .. r.Indices.Length - 1 do
        let p = Array.sub r.Logs (i * s.Modules) s.Modules
        let chosen = int r.Indices[i]

        if i < data.Given.Length then
            Expect.equal r.Indices[i] data.Given[i] "given"
        elif data.Uniforms.Length > 0 then
            let row, step, k = i / each, i % each / s.Choose, i % s.Choose
            let u = float data.Uniforms[(step * s.Rows + row) * s.Choose + k]
            let sums = p |> Array.map (float >> exp) |> Array.scan (+) 0.0
            let total = sums[s.Modules]
            Expect.isLessThanOrEqual (sums[chosen] - 1e-5) (u * total) "not too far"
            Expect.isGreaterThan (sums[chosen + 1] + 1e-5) (u * total) "far enough"
        else
            Expect.equal (Array.findIndex ((=) (Array.max p)) p) chosen "most probable"

[<Tests>]
let kernel =
    testList "modular GRU kernel" [
        testPropertyWithConfig config "states, probabilities, choices and every gradient"
        <| fun (case: Case) ->
            scoped
            <| fun () ->
                let s = case.Size
                let node, all = nodeOf case
                let data = dataOf case
                let parameters = parametersOf all
                let results = forward case data parameters true
                checkChoices case data results
                backward case data parameters results

                if s.Rows > 0 then
                    let chosen = torch.tensor(results.Indices).view(int64 s.Rows, int64 (s.Steps * s.Choose))

                    agree case data node all results (GivenSelector chosen)

        testPropertyWithConfig config "the same bits again, and of a row whatever is beside it"
        <| fun (case: Case) ->
            scoped
            <| fun () ->
                let s = case.Size
                let _, all = nodeOf case
                let data = dataOf case
                let parameters = parametersOf all
                let once = forward case data parameters true
                backward case data parameters once
                let again = forward case data parameters true
                backward case data parameters again
                Expect.equal again once "all results"
                let other = forward { case with Threads = 4 - case.Threads } data parameters false
                Expect.equal other.States once.States "states on other threads"
                Expect.equal other.Logs once.Logs "log-probabilities on other threads"
                Expect.equal other.Indices once.Indices "choices on other threads"

                if s.Rows > 1 && case.Choosing = Mode then
                    let last (t: torch.Tensor) = t.narrow (0L, int64 s.Rows - 1L, 1L)

                    let alone =
                        forward
                            {
                                case with
                                    Size =
                                        ModularGruSize(
                                            1,
                                            s.Steps,
                                            s.Inputs,
                                            s.Hidden,
                                            s.Modules,
                                            s.Choose,
                                            ReluInside = s.ReluInside,
                                            Once = s.Once
                                        )
                            }
                            { data with X = last data.X; Initial = data.Initial |> Option.map last }
                            parameters
                            false

                    let length = s.Steps * s.Hidden
                    Expect.equal alone.States (Array.skip (once.States.Length - length) once.States) "a row alone"

        testScoped "NaN and infinity are passed on, not hidden"
        <| fun () ->
            let case = {
                Size = ModularGruSize(1, 2, 2, 3, 4, 1)
                Bias = true
                Starts = false
                Choosing = Mode
                ReadsStates = true
                ReadsController = true
                ReadsFactors = false
                Threads = 1
                Lanes = 4
                Seed = 7
            }

            let _, all = nodeOf case
            let data = dataOf case

            for bad in [ nan; infinity ] do
                let x = data.X.clone ()
                x.view(-1L).narrow(0L, 1L, 1L).fill_(bad.ToScalar()) |> ignore
                let r = forward case { data with X = x } (parametersOf all) false
                Expect.isTrue (r.States |> Array.exists (Single.IsFinite >> not)) $"states of {bad}"
                Expect.isTrue (r.Logs |> Array.exists Single.IsNaN) $"log-probabilities of {bad}"
                Expect.isTrue (r.Indices |> Array.forall (fun i -> i >= 0L && i < 4L)) $"choices of {bad}"

        testScoped "what does not fit is named"
        <| fun () ->
            let case = {
                Size = ModularGruSize(2, 2, 2, 3, 4, 1)
                Bias = true
                Starts = false
                Choosing = Given
                ReadsStates = true
                ReadsController = true
                ReadsFactors = false
                Threads = 1
                Lanes = 4
                Seed = 7
            }

            let _, all = nodeOf case
            let data = dataOf case
            let parameters = parametersOf all

            let fails (text: string) (body: unit -> unit) =
                Expect.throwsC body (fun e -> Expect.stringContains e.Message text "message")

            fails "given: expected modules 0 to 3 (M = 4), got 4 at 0" (fun () ->
                let given = Array.append [| 4L |] (Array.skip 1 data.Given)
                forward case { data with Given = given } parameters true |> ignore)

            fails "given: expected [R, T, K], a multiple of 2" (fun () ->
                forward case { data with Given = [| 0L |] } parameters true |> ignore)

            fails "weights.Gate: expected [2·H, H + I] = 30 numbers, got 1" (fun () ->
                forward case data (Map.add "gate_weight" [| 0f |] parameters) true |> ignore)

            fails "Record: expected B·T·RecordLength" (fun () ->
                backward case data parameters (forward case data parameters false))
    ]
