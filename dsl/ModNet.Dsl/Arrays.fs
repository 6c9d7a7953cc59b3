namespace ModNet

open System
open System.Collections.Concurrent
open System.ComponentModel
open System.Runtime.InteropServices
open System.Security.Cryptography
open TorchSharp

/// What arrays in memory say is to be predicted.
[<RequireQualifiedAccess; EditorBrowsable(EditorBrowsableState.Never)>]
type ArrayTarget =
    internal
    | Classes of count: int * ofEach: int array
    | Values of width: int * rows: float32 array

/// All values of `in_memory`, row after row.
type internal Arrays = {
    Inputs: float32 array
    Target: ArrayTarget
    Tasks: int array option
    Given: int array option
}

/// The arrays behind `in_memory`, by name and checksum. Specs are data and hold these two only.
module internal Arrays =

    let private arrays = ConcurrentDictionary<string * string, Arrays>()

    let private checksum (values: Arrays) =
        use hash = IncrementalHash.CreateHash HashAlgorithmName.SHA256

        // Lengths keep one array's end apart from the next one's beginning.
        let ints (values: int array) =
            hash.AppendData(BitConverter.GetBytes values.Length)
            hash.AppendData(MemoryMarshal.AsBytes(ReadOnlySpan values))

        let floats (values: float32 array) =
            hash.AppendData(BitConverter.GetBytes values.Length)
            hash.AppendData(MemoryMarshal.AsBytes(ReadOnlySpan values))

        floats values.Inputs

        match values.Target with
        | ArrayTarget.Classes(_, ofEach) -> ints ofEach
        | ArrayTarget.Values(_, rows) -> floats rows

        for side in [ values.Tasks; values.Given ] do
            side |> Option.iter ints

        Convert.ToHexStringLower(hash.GetHashAndReset())

    /// Keeps arrays under a name, and gives their checksum.
    let keep name (values: Arrays) =
        let sum = checksum values
        arrays[(name, sum)] <- values
        sum

    let tryFind name checksum =
        match arrays.TryGetValue((name, checksum)) with
        | true, values -> Some values
        | _ -> None

    let ofRows (rows: float32[,]) : float32 array = Seq.cast<float32> rows |> Array.ofSeq
    let ofChoices (rows: int[,]) : int array = Seq.cast<int> rows |> Array.ofSeq
    let ofImages (images: float32[,,,]) : float32 array = Seq.cast<float32> images |> Array.ofSeq

    let ofTensor (tensor: torch.Tensor) : float32 array =
        ModNet.Runtime.TensorArrays.Vector<float32> tensor

    /// What each datapoint of [N, …] is.
    let shapeOf (tensor: torch.Tensor) =
        match List.ofArray tensor.shape |> List.map int with
        | [ _; channels; height; width ] -> Shape.Image(channels, height, width)
        | _ :: sizes -> Shape.Vector(List.fold (*) 1 sizes)
        | [] -> Shape.Vector 0
