namespace ModNet.Tests

open System
open System.IO
open Microsoft.ML.OnnxRuntime
open Microsoft.ML.OnnxRuntime.Tensors
open ModNet.Runtime
open TorchSharp

/// ONNX files, run by ONNX Runtime.
module OnnxRun =

    let private value (name: string) (x: torch.Tensor) : NamedOnnxValue =
        let shape = [| for size in x.shape -> int size |]

        let of' (values: 'T[]) =
            NamedOnnxValue.CreateFromTensor(name, DenseTensor<'T>(Memory values, ReadOnlySpan shape))

        match x.dtype with
        | torch.ScalarType.Float32 -> of' (TensorArrays.Vector<float32> x)
        | torch.ScalarType.Float64 -> of' (TensorArrays.Vector<float> x)
        | torch.ScalarType.Int64 -> of' (TensorArrays.Vector<int64> x)
        | torch.ScalarType.Byte -> of' (TensorArrays.Vector<int> x |> Array.map byte)
        | other -> failwith $"no input of {other}"

    /// One output: its shape, and its values as numbers.
    let private numbers (output: DisposableNamedOnnxValue) : int list * float list =
        match output.Value with
        | :? Tensor<float32> as tensor -> List.ofArray (tensor.Dimensions.ToArray()), [ for x in tensor -> float x ]
        | :? Tensor<int64> as tensor -> List.ofArray (tensor.Dimensions.ToArray()), [ for x in tensor -> float x ]
        | other -> failwith $"no output of {other.GetType().Name}"

    /// What a file says of named inputs, by the names of its outputs.
    let outputs (path: string) (inputs: (string * torch.Tensor) list) : Map<string, int list * float list> =
        Libtorch.Load()
        use options = new SessionOptions(IntraOpNumThreads = 1, InterOpNumThreads = 1)
        use session = new InferenceSession(path, options)
        use said = session.Run [| for name, x in inputs -> value name x |]
        Map [ for output in said -> output.Name, numbers output ]

    /// What a file's metadata say.
    let metadata (path: string) : Map<string, string> =
        use session = new InferenceSession(path)
        Map [ for KeyValue(key, value) in session.ModelMetadata.CustomMetadataMap -> key, value ]
