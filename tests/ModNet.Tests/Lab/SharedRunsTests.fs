/// Runs that several processes share out among themselves.
module ModNet.Tests.SharedRunsTests

open System.IO
open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Runtime
open ModNet.Tests.Running

let private config = { FsCheckConfig.defaultConfig with replay = Some(20261130UL, 19UL, None) }

/// What a run comes to here: how often another process is at it before it is free, and how it then ends.
let private fates =
    Arb.fromGen (
        gen {
            let! looks = Gen.frequency [ 3, Gen.constant 0; 1, Gen.choose (1, 3); 1, Gen.constant 1_000 ]
            let! ended = Gen.frequency [ 5, Gen.constant Turn.Finished; 1, Gen.constant Turn.Failed ]
            return looks, ended
        }
        |> Gen.listOf
    )

[<Tests>]
let tests =
    testList "shared runs" [
        testPropertyWithConfig
            config
            "each run is done once, and one that others are at is looked at again after others were done"
        <| Prop.forAll fates (fun fates ->
            let fates = List.toArray fates
            let looks = Array.map fst fates
            let turns = ResizeArray()

            let turn (run: int) _ =
                let ended = if looks[run] = 0 then snd fates[run] else Turn.Elsewhere
                looks[run] <- max 0 (looks[run] - 1)
                turns.Add(run, ended)
                ended

            let ended = SharedRuns.carryOut (fun () -> false) turn [ 0 .. fates.Length - 1 ]
            let here = turns |> Seq.filter (snd >> (<>) Turn.Elsewhere) |> Seq.map fst |> Seq.toList
            let left = set [ 0 .. fates.Length - 1 ] - set here
            let last (isIt: int * Turn -> bool) = turns |> Seq.tryFindIndexBack isIt |> Option.defaultValue -1
            let lastFinished = last (snd >> (=) Turn.Finished)

            let expected =
                if here |> List.exists (fun run -> snd fates[run] = Turn.Failed) then RunsEnd.Failed
                elif left.IsEmpty then RunsEnd.Done
                else RunsEnd.Shared

            here = List.distinct here
            && ended = expected
            && left |> Set.forall (fun run -> last (fst >> (=) run) > lastFinished))

        testCase "what stops one run, or all, ends the rest"
        <| fun () ->
            let turns = ResizeArray()

            let turn (run: int) (after: int list) =
                turns.Add(run, after)
                if run = 2 then Turn.Stopped else Turn.Finished

            Expect.equal (SharedRuns.carryOut (fun () -> false) turn [ 1; 2; 3 ]) RunsEnd.Stopped "by the second"
            Expect.equal (List.ofSeq turns) [ 1, [ 2; 3 ]; 2, [ 3 ] ] "the third is not begun"
            Expect.equal (SharedRuns.carryOut (fun () -> true) turn [ 1 ]) RunsEnd.Stopped "before the first"
            Expect.equal turns.Count 2 "which is not begun either"
            Expect.equal (SharedRuns.carryOut (fun () -> turns.Count = 3) turn [ 1 ]) RunsEnd.Done "after the last"

        testInDirectory "a run that cannot be done is tried again only when that is asked for"
        <| fun directory ->
            let folder = Path.Combine(directory, "run")
            let mutable times = 0

            let train () : bool =
                times <- times + 1
                raise (UserException "it cannot be done")

            let turn () = quietly (fun () -> SharedRuns.turn folder "run" ignore (fun () -> false) train)
            Expect.equal (turn ()) Turn.Failed "at first"
            Expect.equal (turn ()) Turn.Failed "nor by the next process"
            Expect.equal times 1 "which does not try"
            SharedRuns.forgetFailures [ folder ]
            Expect.equal (turn ()) Turn.Failed "again"
            Expect.equal times 2 "tried again"
            Expect.isFalse (File.Exists(SharedRuns.lockOf folder)) "no lock is left"
    ]
