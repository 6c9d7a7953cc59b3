/// Random numbers replay.
module ModNet.Tests.TorchRandomTests

open System
open Expecto
open ModNet.Tests.TorchSupport
open TorchSharp
open type TorchSharp.torch
open FSharp.Core.Operators

let private draws (generator: Generator) = [
    values (rand (3L, generator = generator))
    values (randn (3L, generator = generator))
    values (randint (0L, 100L, [| 3L |], generator = generator))
    values (randperm (5L, generator = generator))
    values ((tensor [| 0.2f; 0.3f; 0.5f |]).multinomial(4L, true, generator))
    values ((zeros 3L).normal_(0.0, 1.0, generator))
    values ((zeros 3L).exponential_(1.0, generator))
    values ((full ([| 3L |], Scalar.op_Implicit 0.5)).bernoulli generator)
]

[<Tests>]
let tests =
    testList "torch random numbers" [
        scoped "one seed, one sequence" (fun () ->
            use a = new Generator(5UL)
            use b = new Generator(5UL)
            let first = draws a
            Expect.equal first (draws b) "same seed"
            Expect.notEqual first (draws b) "the sequence goes on"
            b.manual_seed 5L |> ignore
            Expect.equal first (draws b) "seeded again"
            Expect.equal (b.initial_seed ()) 5L "the seed")

        scoped "a state replays" (fun () ->
            use generator = new Generator(9UL)
            draws generator |> ignore
            let state = generator.get_state ()
            let first = draws generator
            generator.set_state state
            Expect.equal first (draws generator) "from the state on")

        scoped "generators are independent of each other and of the global one" (fun () ->
            use a = new Generator(1UL)
            use b = new Generator(1UL)
            draws b |> ignore
            manual_seed 3L |> ignore
            rand 10L |> ignore
            use fresh = new Generator(1UL)
            Expect.equal (draws a) (draws fresh) "a is untouched")

        scoped "the global generator is seeded" (fun () ->
            manual_seed 11L |> ignore
            let first = values (rand 4L)
            manual_seed 11L |> ignore
            Expect.equal first (values (rand 4L)) "same seed"
            let state = get_rng_state ()
            let next = values (rand 4L)
            set_rng_state state
            Expect.equal next (values (rand 4L)) "same state")

        scoped "multinomial draws in proportion" (fun () ->
            use generator = new Generator(2UL)

            let counts =
                (tensor [| 1.0f; 3.0f |]).multinomial(20000L, true, generator).bincount()

            Expect.floatClose { absolute = 0.02; relative = 0.0 } ((values counts)[1] / 20000.0) 0.75 "share")
    ]
