/// Which candidates of an E-step are the same, against their grouping by datapoint and choices.
module ModNet.Tests.DistinctRowsTests

open System
open System.Collections.Generic
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet.Runtime

type private Case = { Datapoints: int; Candidates: int; Sites: (int * int64) list; Seed: int }

type private Cases =
    static member Case() =
        gen {
            let! datapoints = Gen.choose (1, 7)
            let! candidates = Gen.choose (1, 9)
            // K, and M; of the largest M no table could be made.
            let! sites =
                Gen.zip (Gen.choose (1, 3)) (Gen.elements [ 1L; 2L; 5L; 1_000_000L ]) |> Gen.listOf |> Gen.resize 4

            let! seed = Gen.choose (0, 1_000_000)

            return { Datapoints = datapoints; Candidates = candidates; Sites = sites; Seed = seed }
        }
        |> Arb.fromGen

let private config = trying 200 typeof<Cases> (20261202UL, 1UL)

[<Tests>]
let tests =
    testList "distinct rows" [
        testPropertyWithConfig config "are the first ones of each datapoint and choices so far"
        <| fun (case: Case) ->
            let random = Random case.Seed
            let all = case.Datapoints * case.Candidates
            let mutable rows = DistinctRows(case.Datapoints, case.Candidates)
            let mutable made = Array.init all (fun row -> [ int64 (row % case.Datapoints) ])

            for choose, modules in case.Sites do
                // Few of the modules are chosen, so that candidates agree.
                let choices = Array.init (all * choose) (fun _ -> modules - 1L - random.NextInt64(min modules 3L))
                rows <- rows.After(ReadOnlySpan choices)

                made <-
                    made
                    |> Array.mapi (fun row before ->
                        before @ List.ofArray choices[row * choose .. (row + 1) * choose - 1])

            let places = Dictionary<int64 list, int>()

            let expected = [|
                for key in made ->
                    if not (places.ContainsKey key) then places[key] <- places.Count
                    places[key]
            |]

            Expect.equal [| for row in 0 .. all - 1 -> rows.Place(int64 row) |] expected "places"
            Expect.equal rows.Count places.Count "how many"
    ]
