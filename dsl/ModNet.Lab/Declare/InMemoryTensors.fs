namespace ModNet

open ModNet.Runtime
open TorchSharp

/// `in_memory` from tensors.
[<AutoOpen>]
module InMemoryTensors =

    let private floats (tensor: torch.Tensor) : float32 array = TensorArrays.Vector<float32> tensor

    /// What each datapoint of [N, …] is.
    let private shapeOf (tensor: torch.Tensor) =
        match List.ofArray tensor.shape |> List.map int with
        | [ _; channels; height; width ] -> Shape.Image(channels, height, width)
        | [ _; _; width ] -> Shape.Sequence width
        | _ :: sizes -> Shape.Vector(List.fold (*) 1 sizes)
        | [] -> Shape.Vector 0

    type InMemoryBuilder with

        /// All x, [N, width], [N, C, H, W] or sequences [N, T, width], copied as float32.
        /// Example: `inputs (TorchSharp.torch.rand(100L, 2L))`
        [<CustomOperation "inputs">]
        member builder.Inputs(draft: InMemoryDraft<'Input, 'Target>, tensor: torch.Tensor) =
            let shape = shapeOf tensor
            let steps = if shape.IsSequence then int tensor.shape[1] else 1
            builder.WithInput(draft, (shape, int tensor.shape[0], floats tensor), steps)

        /// All y, [N, width], or of each step of every sequence [N, T, width], copied as float32.
        /// Example: `values (TorchSharp.torch.rand(100L, 1L))`
        [<CustomOperation "values">]
        member builder.Values(draft: InMemoryDraft<'Input, 'Target>, tensor: torch.Tensor) =
            if tensor.dim () = 3L then
                builder.WithTarget(draft, ArrayTarget.Values(int tensor.shape[2], floats tensor), true)
            else
                let width = tensor.numel () / max 1L tensor.shape[0]
                builder.WithTarget(draft, ArrayTarget.Values(int width, floats tensor))
