/// How many minibatches a pass through the data has.
module ModNet.Tests.MinibatchTests

open Expecto
open FsCheck.FSharp
open ModNet.Runtime

type private Sizes =
    static member Sizes() : FsCheck.Arbitrary<int * int> =
        Gen.zip (Gen.choose (1, 40)) (Gen.choose (1, 50)) |> Arb.fromGen

let private config = trying 60 typeof<Sizes> (20261129UL, 1UL)

/// Minibatches from the beginning of a pass to the next, counted.
let private counted (batches: Minibatches) =
    let next () = batches.Next().Dispose()
    next ()

    let rec go count =
        next ()
        if batches.BeginsPass then count else go (count + 1L)

    go 1L

[<Tests>]
let tests =
    testList "passes" [
        testPropertyWithConfig config "a pass has as many minibatches as are counted"
        <| fun (count: int, size: int) ->
            use shuffled = new MinibatchSampler(int64 count, int64 size, generator 1)

            Expect.equal
                (Minibatches.PerPass(int64 count, int64 size, false))
                (counted shuffled)
                "shuffled, with a rest at the end"

            if count >= size then
                use consecutive = new ConsecutiveMinibatches(int64 count, int64 size)

                Expect.equal
                    (Minibatches.PerPass(int64 count, int64 size, true))
                    (counted consecutive)
                    "consecutive, without the rest"
    ]
