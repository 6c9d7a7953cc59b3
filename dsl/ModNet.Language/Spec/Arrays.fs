namespace ModNet

open System
open System.ComponentModel
open System.Runtime.InteropServices
open System.Security.Cryptography

/// What arrays in memory say is to be predicted.
[<RequireQualifiedAccess; EditorBrowsable(EditorBrowsableState.Never)>]
type ArrayTarget =
    internal
    | Classes of count: int * ofEach: int array
    | Values of width: int * rows: float32 array

/// All values of `in_memory`, row after row.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type Arrays = internal {
    Inputs: float32 array
    Target: ArrayTarget
    Tasks: int array option
    Given: int array option
    Weights: float32 array option
}

module internal Arrays =

    /// SHA-256 of all values, in hexadecimal.
    let checksum (values: Arrays) =
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

        values.Weights |> Option.iter floats

        Convert.ToHexStringLower(hash.GetHashAndReset())

    let ofRows (rows: float32[,]) : float32 array = Seq.cast<float32> rows |> Array.ofSeq
    let ofChoices (rows: int[,]) : int array = Seq.cast<int> rows |> Array.ofSeq
    let ofSequences (rows: float32[,,]) : float32 array = Seq.cast<float32> rows |> Array.ofSeq
    let ofImages (images: float32[,,,]) : float32 array = Seq.cast<float32> images |> Array.ofSeq
