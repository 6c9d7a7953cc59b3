namespace ModNet.Generators

open FsCheck
open FsCheck.FSharp
open ModNet

/// A shared pool that layers may take, and what it was made for.
type internal Sharable = { Pool: Pool; Row: Shape; Output: Shape }

/// What is around the layers that are generated.
type internal Context = {
    Limits: Limits
    /// The number of task ids beside the input; None where there are none.
    Tasks: int option
    Shared: Sharable list
    InModule: bool
    /// How much deeper blocks may nest.
    Depth: int
}

module internal Context =

    let ofLimits limits = { Limits = limits; Tasks = None; Shared = []; InModule = false; Depth = limits.Depth }

    /// Inside a residual, a branch or a repetition.
    let deeper context = {
        context with
            Depth = context.Depth - 1
            Limits = { context.Limits with Layers = context.Limits.Layers / 2 }
    }

    /// Inside a module.
    let inModule context = { deeper context with InModule = true; Depth = min 1 (context.Depth - 1) }

/// Small choices that generators have in common.
[<AutoOpen>]
module internal Choices =

    let flip = Gen.elements [ true; false ]

    /// From a list of weights and thunks, those with a weight; a thunk, so that what cannot be here is not built.
    let weighted (options: (int * (unit -> Gen<'Value>)) list) =
        options
        |> List.filter (fun (weight, _) -> weight > 0)
        |> List.map (fun (weight, make) -> weight, Gen.constant () |> Gen.bind make)
        |> Gen.frequency

    /// The weight, where the condition holds.
    let where condition weight = if condition then weight else 0

    /// Numbers ≥ 1 whose sum is the total, at most this many.
    let parts most total =
        gen {
            let! count = Gen.choose (1, min most total)
            let! cuts = Gen.shuffle [ 1 .. total - 1 ]
            let cuts = cuts |> Seq.truncate (count - 1) |> Seq.sort |> List.ofSeq

            return (0 :: cuts) @ [ total ] |> List.pairwise |> List.map (fun (a, b) -> b - a)
        }
