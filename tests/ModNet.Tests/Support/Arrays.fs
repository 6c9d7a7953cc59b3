/// Small data of arrays in memory, and a run on them.
module ModNet.Tests.Arrays

open System.IO
open ModNet

/// So many rows of three numbers around 0, of three classes that the first two numbers tell apart.
let triangles (name: string) (count: int) : Data =
    let random = System.Random 4
    let xs = Array2D.init count 3 (fun _ _ -> float32 (random.NextDouble() - 0.5))

    let ys =
        Array.init count (fun n ->
            if xs[n, 0] > 0.1f then 0
            elif xs[n, 1] > 0.0f then 1
            else 2)

    in_memory name {
        inputs xs
        classes 3 ys
        held_out 30
    }

/// Three points on a line, but for the first one.
let points (first: float32) : Data =
    in_memory "points" {
        inputs (array2D [ [ first ]; [ 2.0f ]; [ 3.0f ] ])
        values (array2D [ [ 1.0f ]; [ 2.0f ]; [ 3.0f ] ])
    }

/// Three points on a line with weights.
let weighted (last: float32) : Data =
    in_memory "points" {
        inputs (array2D [ [ 1.0f ]; [ 2.0f ]; [ 3.0f ] ])
        values (array2D [ [ 1.0f ]; [ 2.0f ]; [ 3.0f ] ])
        weights [| 1.0f; 0.5f; last |]
    }

/// A line for such points, in two steps, in the folder `arrays`.
let line (directory: string) (points: Data) : Experiment =
    experiment {
        net (
            network "arrays" {
                features 1
                linear 1
                gaussian (variance 1.0)
            }
        )

        data points

        train (
            static_modules {
                batch 2
                steps 2
            }
        )

        out (Path.Combine(directory, "arrays"))
    }
