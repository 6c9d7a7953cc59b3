/// Tensors as arrays: every element in order, of every shape, one without elements too.
module ModNet.Tests.TensorArrayTests

open Expecto
open ModNet.Runtime
open TorchSharp

[<Tests>]
let tests =
    testList "tensor arrays" [
        testProperty "elements in order, whatever the shape, the type and the strides"
        <| fun (rows: byte) (columns: byte) (seed: int) ->
            scoped
            <| fun () ->
                let n, m = int rows % 5, int columns % 5
                let t = indices (abs (seed % 1000)) 100 n m

                let expected = [|
                    for i in 0 .. n - 1 do
                        for j in 0 .. m - 1 -> t[int64 i, int64 j].ToInt64()
                |]

                let transposed = [|
                    for j in 0 .. m - 1 do
                        for i in 0 .. n - 1 -> t[int64 i, int64 j].ToInt64()
                |]

                Expect.equal (TensorArrays.Vector<int64> t) expected "int64"
                Expect.equal (TensorArrays.Vector<int> t) (Array.map int expected) "int32"
                Expect.equal (TensorArrays.Vector<float32> t) (Array.map float32 expected) "float32"

                Expect.equal
                    (TensorArrays.Vector<float>(t.to_type torch.ScalarType.Float32))
                    (Array.map float expected)
                    "float64"

                Expect.equal (TensorArrays.Vector<int64>(t.t ())) transposed "not contiguous"

        test "a tensor that wants its gradient, and one number" {
            scoped
            <| fun () ->
                Expect.equal
                    (TensorArrays.Vector<float>(torch.ones (2L, requires_grad = true)))
                    [| 1.0; 1.0 |]
                    "detached"

                Expect.equal (TensorArrays.Vector<int64>(torch.tensor 3L)) [| 3L |] "a scalar"
        }
    ]
