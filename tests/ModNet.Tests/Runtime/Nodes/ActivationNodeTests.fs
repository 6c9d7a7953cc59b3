module ModNet.Tests.ActivationNodeTests

open System
open Expecto
open ModNet.Runtime
open ModNet.Tests.Parts
open ModNet.Tests.Plain
open TorchSharp

let private sigmoid x = 1.0 / (1.0 + exp -x)

/// The distribution function of N(0, 1), by Simpson's rule.
let private normalDistribution x =
    let steps = 2_000
    let width = x / float steps
    let density t = exp (-t * t / 2.0) / sqrt (2.0 * Math.PI)

    let weight i =
        if i = 0 || i = steps then 1.0
        elif i % 2 = 1 then 4.0
        else 2.0

    0.5 + width / 3.0 * Seq.sum (seq { for i in 0..steps -> weight i * density (float i * width) })

/// What each gives for a value by itself.
let private elementwise: (Activation * (float -> float)) list = [
    Activation.Identity, id
    Activation.Relu, max 0.0
    Activation.Tanh, (fun x -> (exp x - exp -x) / (exp x + exp -x))
    Activation.Sigmoid, sigmoid
    Activation.Gelu, (fun x -> x * normalDistribution x)
    Activation.Silu, (fun x -> x * sigmoid x)
    Activation.LeakyRelu 0.2, (fun x -> if x > 0.0 then x else 0.2 * x)
    Activation.LeakyRelu 0.0, max 0.0
    Activation.Elu 0.7, (fun x -> if x > 0.0 then x else 0.7 * (exp x - 1.0))
    Activation.Softplus, (fun x -> log (1.0 + exp x))
    Activation.Hardswish, (fun x -> x * min (max (x + 3.0) 0.0) 6.0 / 6.0)
    Activation.Mish, (fun x -> x * tanh (log (1.0 + exp x)))
]

let private softmax (row: float[]) = row |> Array.map (fun x -> exp x / Array.sumBy exp row)

/// What each gives for the features of a row.
let private overFeatures: (Activation * (float[] -> float[])) list = [
    Activation.Softmax, softmax
    Activation.LogSoftmax, softmax >> Array.map log
]

let private shapes = [ [ 3; 4 ]; [ 2; 3; 4 ]; [ 2; 3; 2; 5 ]; [ 2; 2; 3; 2; 2 ] ]

let private close (actual: float[]) (expected: float[]) what =
    Expect.equal actual.Length expected.Length $"{what}: count"

    for a, e in Array.zip actual expected do
        Expect.isLessThan (abs (a - e)) 1e-9 what

let private node activation = new ActivationNode("activation1", activation)

[<Tests>]
let tests =
    testList "activations" [
        for activation, plain in elementwise do
            testScoped $"{activation} is that of plain arithmetic, and so is its gradient"
            <| fun () ->
                for shape in shapes do
                    let x = (normal 3 shape).mul(3.0 |> Scalar.op_Implicit)
                    close (numbers (run (node activation) x)) (Array.map plain (numbers x)) $"{shape}"
                    slopes (node activation) x

        for activation, plain in overFeatures do
            testScoped $"{activation} is over the features of a row, and over an image's channels at each place"
            <| fun () ->
                for shape in shapes do
                    let x = normal 3 shape
                    let dimension = if shape.Length >= 4 then -3L else -1L
                    let last = x.transpose (dimension, -1L)

                    let expected =
                        numbers last |> Array.chunkBySize (int last.shape[shape.Length - 1]) |> Array.collect plain

                    let actual = (run (node activation) x).transpose(dimension, -1L)
                    close (numbers actual) expected $"{shape}"
                    slopes (node activation) x

        testCase "those of the same kind and setting are equal, and no others"
        <| fun () ->
            Expect.equal (Activation.LeakyRelu 0.5) (Activation.LeakyRelu 0.5) "equal"
            Expect.notEqual (Activation.LeakyRelu 0.5) (Activation.LeakyRelu 0.25) "another slope"
            Expect.notEqual (Activation.LeakyRelu 0.5) (Activation.Elu 0.5) "another kind"
            Expect.equal (string (Activation.Elu 0.5)) "Elu 0.5" "its name"

        testScoped "every kind is tested here"
        <| fun () ->
            let tested = List.map (fst >> string) elementwise @ List.map (fst >> string) overFeatures
            Expect.containsAll tested (List.map string Fixtures.activations) "kinds"
    ]
