/// 2^x at every register width, which the head's likelihoods are made of.
module ModNet.Tests.ExponentialTests

open System
open System.Runtime.Intrinsics
open Expecto
open ModNet.Kernels

let private relativeError (actual: float32) exact = abs (float actual / exact - 1.0)

let private powers =
    // Both ends of the range, and the middles between whole numbers, where rounding turns.
    [| -126f; 127f; 0f; 0.5f; -0.5f; 1.5f; -1.5f; 126.5f; -125.5f; 1e-9f; -1e-9f |]
    |> Array.append (Array.init 20_000 (fun i -> -126f + float32 i * 253f / 20_000f))

[<Tests>]
let tests =
    testList "kernel head" [
        testCase "2^x is right to 2e-7 over its range, at every register width" (fun () ->
            for x in powers do
                let exact = Math.Pow(2.0, float x)
                let mutable a = Vector128.Create x
                let mutable b, c, d = a, a, a
                Exponential.Two<Lanes128, Vector128<float32>>(&a, &b, &c, &d)
                Expect.isLessThan (relativeError a[3] exact) 2e-7 $"2^{x}, 128 bits"
                Expect.equal (b, c, d) (a, a, a) "all four alike"
                let mutable e = Vector256.Create x
                let mutable f, g, h = e, e, e
                Exponential.Two<Lanes256, Vector256<float32>>(&e, &f, &g, &h)
                Expect.equal e[7] a[3] $"2^{x}, 256 bits"
                let mutable i = Vector512.Create x
                let mutable j, k, l = i, i, i
                Exponential.Two<Lanes512, Vector512<float32>>(&i, &j, &k, &l)
                Expect.equal i[15] a[3] $"2^{x}, 512 bits")

        testCase "2^−127 is exactly 0" (fun () ->
            let mutable a = Vector128.Create Exponential.Lowest
            let mutable b, c, d = a, a, a
            Exponential.Two<Lanes128, Vector128<float32>>(&a, &b, &c, &d)
            Expect.equal a Vector128<float32>.Zero "underflow")
    ]
