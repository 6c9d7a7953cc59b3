namespace ModNet.Generators

open ModNet
open TorchSharp

/// The custom modules that generated networks hold. They serve any shape, so the shape is part of the name.
[<RequireQualifiedAccess>]
module CustomExamples =

    let private sizes shape =
        match shape with
        | Shape.Tokens _ -> []
        | Shape.Vector width
        | Shape.Sequence width -> [ width ]
        | Shape.Image(channels, height, width) -> [ channels; height; width ]

    let private count shape = List.fold (*) 1 (sizes shape)

    /// Hears of the multiply-adds of every product that these customs make: for tests that count them.
    let mutable internal onProduct: int64 -> unit = ignore

    /// x → s ⊙ x with a learned factor for every value (on a sequence: the same at every step). Not on tokens.
    let scale (shape: Shape) : Custom =
        custom $"scale {shape}" {
            reads shape
            gives shape
            weight "scale" (sizes shape)
            from_function (fun weights x -> x * weights["scale"])
        }

    /// x → W x with all values in a row, so between vectors and images in any way, and from sequence to sequence step by step.
    let dense (input: Shape) (output: Shape) : Custom =
        let rows =
            match output with
            | Shape.Image _ ->
                let rows = -1L :: List.map int64 (sizes output) |> Array.ofList
                fun (y: torch.Tensor) -> y.view rows
            | _ -> id

        let flat =
            match input with
            | Shape.Image _ -> fun (x: torch.Tensor) -> x.flatten 1L
            | _ -> id

        custom $"dense {input} {output}" {
            reads input
            gives output
            multiply_adds (int64 (count input) * int64 (count output))
            weight "map" [ count output; count input ]

            from_function (fun weights x ->
                onProduct (x.numel () * int64 (count output))
                torch.matmul (flat x, weights["map"].t()) |> rows)
        }

    /// A controller's logits for K positions over M modules, linear in the row.
    let logits (row: Shape) (choose: int) (modules: int) : Custom = dense row (Shape.Vector(choose * modules))

    let internal isScale (spec: Custom) = spec.Name = $"scale {spec.Input}"

    let internal isDense (spec: Custom) = spec.Name = $"dense {spec.Input} {spec.Output}"

    /// The same custom for other shapes, where it is one of these.
    let internal reshape (change: Shape -> Shape) (spec: Custom) =
        if isScale spec then scale (change spec.Input)
        elif isDense spec then dense (change spec.Input) (change spec.Output)
        else spec
