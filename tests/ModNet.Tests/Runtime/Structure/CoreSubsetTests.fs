/// Smallest sufficient sets of units against all sets of small ones.
module ModNet.Tests.CoreSubsetTests

open System
open Expecto
open FsCheck
open ModNet.Runtime

let private sets (count: int) =
    List.init (1 <<< count) (fun set -> Array.init count (fun unit -> (set >>> unit) &&& 1 = 1))

let private size (there: bool[]) = there |> Array.filter id |> Array.length

let private asked (members: int seq) (count: int) = Array.init count (fun unit -> Seq.contains unit members)

[<Tests>]
let tests =
    testList "core subsets" [
        testPropertyWithConfig
            (trying 100 typeof<Graphs.Arbitraries> (2016UL, 7UL))
            "where each unit adds its own, there is no smaller set that suffices, and the effects are what each adds"
        <| fun (seed: int, PositiveInt some) ->
            let random, count = Random seed, 1 + some % 8
            let adds = Array.init count (fun _ -> random.NextDouble())
            let performance there = Array.fold2 (fun sum is value -> if is then sum + value else sum) 0.5 there adds
            let sufficient = 0.5 + 0.8 * Array.sum adds
            let core = CoreSubset.Find(count, performance, sufficient, 200, 1)

            let smallest =
                sets count |> List.filter (fun there -> performance there >= sufficient) |> List.map size |> List.min

            Expect.equal core.Members.Count smallest "size"
            Expect.equal core.Performance (performance (asked core.Members count)) "performance"

            for expected, effect in Seq.zip adds core.Effects do
                Expect.isLessThan (abs (expected - effect)) 1e-3 "effect"

            Expect.isGreaterThan core.Fit 0.999 "R²"

        testPropertyWithConfig
            (trying 100 typeof<Graphs.Arbitraries> (2017UL, 7UL))
            "whatever the performance: where all together suffice, those found do, and none of them can leave"
        <| fun (seed: int) ->
            let random, count = Random seed, 5
            let table = sets count |> List.map (fun there -> there, random.NextDouble()) |> dict

            let performance (there: bool[]) =
                table |> Seq.pick (fun entry -> if entry.Key = there then Some entry.Value else None)

            let sufficient = 0.6
            let core = CoreSubset.Find(count, performance, sufficient, 30, 1)
            let members = List.ofSeq core.Members
            let suffices chosen = performance (asked chosen count) >= sufficient

            if suffices [ 0 .. count - 1 ] then
                Expect.isTrue (suffices members) "they suffice"

                for unit in members do
                    Expect.isFalse (suffices (List.except [ unit ] members)) $"not without {unit}"

        test "units that only help together are found together, and none where none is needed" {
            let both (there: bool[]) = if there[1] && there[3] then 1.0 else 0.0
            Expect.equal (List.ofSeq (CoreSubset.Find(6, both, 1.0, 100, 1)).Members) [ 1; 3 ] "both"
            Expect.isEmpty (CoreSubset.Find(3, (fun _ -> 1.0), 1.0, 10, 1)).Members "none"
            Expect.equal (List.ofSeq (CoreSubset.Find(2, (fun _ -> 0.0), 1.0, 10, 1)).Members) [ 0; 1 ] "never enough"
        }
    ]
