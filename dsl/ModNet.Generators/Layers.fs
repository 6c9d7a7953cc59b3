namespace ModNet.Generators

open FsCheck
open FsCheck.FSharp
open ModNet

/// Generators of parts of networks, for shapes that are given. What they give fits: `check` accepts it in its place.
/// `Limits` bound sizes; FsCheck's size plays no part where they are given.
[<RequireQualifiedAccess>]
module Layers =

    /// A layer that reads this shape, and what it gives. There are no task ids and no shared pools here.
    /// Example: `Layers.from Limits.small (Shape.Image(3, 8, 8))`
    let from (limits: Limits) (shape: Shape) : Gen<Layer * Shape> =
        gen {
            let! output = Shapes.after limits shape
            let! layer = Grammar.layer (Context.ofLimits limits) shape output
            return layer, output
        }

    /// A chain that reads this shape, and what it gives.
    let chainFrom (limits: Limits) (shape: Shape) : Gen<Chain * Shape> =
        gen {
            let! output = Shapes.after limits shape
            let! layers = Grammar.chain (Context.ofLimits limits) shape output
            return Chain layers, output
        }

    /// A chain from one shape to another, for vectors and vectors, or sequences and sequences: `residual`, `sum_of` and mixed
    /// units want such.
    /// Example: `Layers.chainBetween Limits.small (Shape.Vector 3) (Shape.Vector 2)`
    let chainBetween (limits: Limits) (input: Shape) (output: Shape) : Gen<Chain> =
        match input, output with
        | Shape.Vector _, Shape.Vector _
        | Shape.Sequence _, Shape.Sequence _ -> Grammar.chain (Context.ofLimits limits) input output |> Gen.map Chain
        | _ -> invalidArg (nameof output) $"expected two vectors or two sequences, got {input} and {output}"

    /// A pool of modules that read this row, a vector or an image, and what they give. Shared where it has a name.
    /// Example: `Layers.poolFrom Limits.small (Some "tools") (Shape.Vector 4)`
    let poolFrom (limits: Limits) (name: string option) (row: Shape) : Gen<Pool * Shape> =
        match row with
        | Shape.Vector _
        | Shape.Image _ ->
            gen {
                let! output = Shapes.after limits row
                let! pool = Grammar.pool (Context.ofLimits limits) name row output 1
                return pool, output
            }
        | _ -> invalidArg (nameof row) $"expected a vector or an image, got {row}"

    /// The form of p(a | x) for a choice of K of M from this row; `Task` only where there are task ids, `ByTask` where there are M of them.
    let controllerFor (limits: Limits) (tasks: int option) (row: Shape) (choose: int) (modules: int) : Gen<Controller> =
        let context = { Context.ofLimits limits with Tasks = tasks }

        Grammar.controller context row choose modules
