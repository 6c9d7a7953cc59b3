/// Numbers that are read later than they are made, and what is seen of them then.
module ModNet.Tests.LateTests

open System
open Expecto
open ModNet.Runtime
open ModNet.Tests.OnMeta
open TorchSharp

let private sizes: Sizes = {
    Seed = 7
    Batch = 4
    Modules = 3
    Choose = 2
    Inputs = 3
    Outputs = 2
    Bias = true
    Activation = Activation.Tanh
}

/// A method that takes no choice of its own, on a small regression.
let private steps (clip: Nullable<float>) =
    let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto 12
    let settings = GradientSettings(12L, 1e-2, ClipNorm = clip)
    graph, new StaticModules(graph, data, settings, new RandomStreams 7L)

[<Tests>]
let tests =
    testList "late numbers" [
        testScoped "the CPU's are taken at once, an accelerator's by one read, in order"
        <| fun () ->
            let taken = ResizeArray<float>()

            let give (late: LateNumbers) =
                for i in 1..3 do
                    use _scope = torch.NewDisposeScope()
                    late.Add([| torch.tensor [| float i |] |], fun values -> taken.Add(values[0][0]))

            let late = LateNumbers()
            give late
            Expect.equal (List.ofSeq taken) [ 1.0; 2.0; 3.0 ] "at once"
            taken.Clear()

            let seen =
                waits (fun () ->
                    asAccelerator (fun () ->
                        give late
                        Expect.equal taken.Count 0 "not yet"
                        late.Read Wait.Report))

            Expect.equal seen [ "report" ] "one read"
            Expect.equal (List.ofSeq taken) [ 1.0; 2.0; 3.0 ] "in order"

        testCase "they leave no tensor behind"
        <| fun () ->
            let before = liveTensors ()

            asAccelerator (fun () ->
                scoped (fun () ->
                    let late = LateNumbers()
                    late.Add([| torch.ones 3L |], fun _ -> ())
                    late.Read Wait.Report))

            Expect.equal (liveTensors ()) before "live tensors"

        testScoped "a loss that is not finite is noticed at the next report, with the step that had it first"
        <| fun () ->
            let message =
                asAccelerator (fun () ->
                    let graph, method = steps (Nullable())
                    use _ = method
                    method.Step()
                    use _ = torch.no_grad ()
                    (Fixtures.parameter graph "pools.pool.weight").fill_(nan.ToScalar()) |> ignore
                    use _ = torch.enable_grad ()
                    method.Step()
                    method.Step()
                    Expect.throwsT<NonFiniteException> (fun () -> method.StepAndReport() |> ignore) "a report"

                    try
                        method.DemandFiniteParameters()
                        ""
                    with :? NonFiniteException as error ->
                        error.Message)

            Expect.stringContains message "finite parameters after the step" "nothing is saved"

        testScoped "the message says the step, and when it was seen"
        <| fun () ->
            asAccelerator (fun () ->
                let late = LateFiniteness()
                let none: Modules.Parameter[] = [||]

                for step, loss in [ 1L, 1.0; 2L, nan; 3L, 1.0 ] do
                    late.Watch(step, torch.tensor loss, none)

                Expect.throwsC late.Demand (fun error ->
                    Expect.equal
                        error.Message
                        "step 2: expected a finite loss and finite gradients, got NaN in their sum, seen after step 3, because an accelerator is asked only at reports"
                        "message")

                // It is said once.
                late.Demand())

        testScoped "numbers are read at the latest after 1,024 steps"
        <| fun () ->
            let seen =
                waits (fun () ->
                    asAccelerator (fun () ->
                        let late = LateFiniteness()
                        let none: Modules.Parameter[] = [||]

                        for step in 1L .. 2050L do
                            use _scope = torch.NewDisposeScope()
                            late.Watch(step, torch.tensor 1.0, none)))

            Expect.equal seen [ "finiteness"; "finiteness" ] "two reads"

        testScoped "sums of large finite gradients are no infinity"
        <| fun () ->
            asAccelerator (fun () ->
                let late = LateFiniteness()
                use weight = new Modules.Parameter(torch.ones 4L)
                weight.grad <- torch.full ([| 4L |], 3e38f.ToScalar())
                late.Watch(1L, torch.tensor 1.0f, [| weight |])
                late.Demand())

        testScoped "gradients are clipped on an accelerator as on the CPU, and nothing is read"
        <| fun () ->
            let run () =
                let graph, method = steps (Nullable 0.01)
                use _ = method

                for _ in 1..3 do
                    method.Step()

                [ for _, p in Slopes.parameters graph -> numbers p ]

            let plain = run ()
            let mutable there = []
            Expect.equal (waits (fun () -> there <- asAccelerator run)) [] "no read"

            for e, a in List.zip plain there do
                for x, y in Array.zip e a do
                    Expect.isLessThan (abs (x - y)) 1e-12 "parameters"
    ]
