/// The fused head against its reference.
module ModNet.Tests.HeadTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet.Kernels
open ModNet.Tests.HeadReference
open ModNet.Tests.HeadShapes

let private config = trying 150 typeof<Shapes> (20181113UL, 1UL)

let private close name (actual: float32[]) (expected: Value[]) =
    for i in 0 .. expected.Length - 1 do
        let difference = abs (float actual[i] - expected[i].value)

        if not (difference <= expected[i].tolerance) then
            failtestf "%s[%i]: got %.9g, expected %.9g ± %.2g" name i actual[i] expected[i].value expected[i].tolerance

/// Results of one call, freshly allocated and filled with rubbish, which must be overwritten.
type private Results(head: Head) =
    let rubbish length = Array.create length nanf
    member val LogLikelihood = rubbish head.targets.Length
    member val LogSumExp = rubbish head.targets.Length
    member val H = rubbish head.h.Length
    member val Weight = rubbish head.weight.Length
    member val Bias = rubbish head.bias.Length

let private inputsOf head = HeadInputs(head.h, head.weight, head.bias, head.targets)

let private gradientsOf (r: Results) = HeadGradients(H = r.H, Weight = r.Weight, Bias = r.Bias)

let private scoreAndGradients head (rowWeight: float32[]) threads lanes =
    let r = Results head
    let inputs = inputsOf head
    let gradients = gradientsOf r

    let loss =
        LinearCrossEntropy.ScoreAndGradients(&inputs, rowWeight, r.LogLikelihood, &gradients, Cores(threads, lanes))

    loss, r

let private forwardBackward head (rowWeight: float32[]) threads lanes =
    let r = Results head
    let inputs = inputsOf head
    let gradients = gradientsOf r
    LinearCrossEntropy.Forward(&inputs, r.LogLikelihood, r.LogSumExp, Cores(threads, lanes))
    LinearCrossEntropy.Backward(&inputs, r.LogSumExp, rowWeight, &gradients, Cores(threads, lanes))
    r

let private closeAll head rowWeight threads lanes =
    let expected = answer head rowWeight
    let loss, fused = scoreAndGradients head rowWeight threads lanes
    close "fused logLikelihood" fused.LogLikelihood expected.logLikelihood
    close "fused hGradient" fused.H expected.hGradient
    close "fused weightGradient" fused.Weight expected.weightGradient
    close "fused biasGradient" fused.Bias expected.biasGradient

    let sum = Seq.map2 (fun w l -> float w * float l) rowWeight fused.LogLikelihood |> Seq.sum

    Expect.floatClose Accuracy.high loss sum "the loss is the weighted sum"

    let two = forwardBackward head rowWeight threads lanes
    close "forward logLikelihood" two.LogLikelihood expected.logLikelihood
    close "forward logSumExp" two.LogSumExp expected.logSumExp
    close "backward hGradient" two.H expected.hGradient
    close "backward weightGradient" two.Weight expected.weightGradient
    close "backward biasGradient" two.Bias expected.biasGradient

    let score = Array.create head.targets.Length nanf
    let inputs = inputsOf head
    LinearCrossEntropy.Score(&inputs, score, Cores(threads, lanes))
    Expect.equal score two.LogLikelihood "scoring and the forward pass give the same bits"

let private likelihoods head =
    let logLikelihood = Array.create head.targets.Length 0f
    let inputs = inputsOf head
    LinearCrossEntropy.Score(&inputs, logLikelihood, Cores 2)
    logLikelihood

[<Tests>]
let tests =
    testList "kernel head" [
        testPropertyWithConfig config "agrees with the reference, values and every gradient" (fun shape ->
            closeAll (headOf shape) (weightsOf shape) shape.threads shape.lanes)

        testCase "agrees with the reference over many blocks and panels" (fun () ->
            for count, hidden, vocabulary in [ 211, 8, 1003; 120, 33, 517; 100, 256, 130 ] do
                let shape = {
                    count = count
                    hidden = hidden
                    vocabulary = vocabulary
                    spread = 3.0
                    threads = 2
                    lanes = Cores.WidestLanes
                    seed = 7
                }

                closeAll (headOf shape) (weightsOf shape) 2 shape.lanes)

        testPropertyWithConfig
            config
            "equal rows are scored once, and get the bits that each would get alone"
            (fun (shape: Shape) (PositiveInt kinds) ->
                let vocabulary = 128 + shape.vocabulary

                let head = headOf { shape with vocabulary = vocabulary }

                let width = shape.hidden
                let random = Random shape.seed

                // Every row one of a few, with one of two targets; zeros of both signs are two rows.
                for n in 0 .. head.targets.Length - 1 do
                    let kind = min (random.Next kinds) n
                    Array.blit head.h (kind * width) head.h (n * width) width
                    head.targets[n] <- int64 (random.Next 2 * (vocabulary - 1))

                    if random.Next 5 = 0 then head.h[n * width] <- (if random.Next 2 = 0 then 0f else -0f)

                let expected = Array.create head.targets.Length nanf

                let inputs = inputsOf head
                let cores = Cores(shape.threads, shape.lanes)
                LinearCrossEntropy.Forward(&inputs, expected, Array.zeroCreate<float32> expected.Length, cores)
                let actual = Array.create expected.Length nanf
                LinearCrossEntropy.Score(&inputs, actual, cores)
                Expect.equal actual expected "scores"

                let keys = [
                    for n in 0 .. expected.Length - 1 ->
                        [ for i in n * width .. (n + 1) * width - 1 -> BitConverter.SingleToInt32Bits head.h[i] ],
                        head.targets[n]
                ]

                use equal = new EqualRows(head.h, head.targets, width)
                Expect.equal equal.Count (List.length (List.distinct keys)) "so many are distinct"

                keys
                |> List.iteri (fun n key ->
                    let first = equal.Firsts[equal.Places[n]]
                    Expect.equal first (List.findIndex ((=) key) keys) "the first that is the same"))

        testCase "the reference's gradients are those of its likelihoods" (fun () ->
            let head = random 3 4 3 5 2.0
            let rowWeight = [| 0.5f; -1f; 2f; 0.25f |]
            let expected = answer head rowWeight

            let loss head =
                Seq.map2 (fun w (l: Value) -> float w * l.value) rowWeight (answer head rowWeight).logLikelihood
                |> Seq.sum

            // Steps by a power of two, so that the float32 arguments move by exactly that much.
            let slope (numbers: float32[]) i changed =
                let step = Math.ScaleB(1.0, -9)

                let moved by = Array.mapi (fun j x -> if i = j then x + float32 by else x) numbers

                let up, down = moved step, moved -step
                (loss (changed up) - loss (changed down)) / (float up[i] - float down[i])

            let check name (gradient: Value[]) numbers changed =
                for i in 0 .. gradient.Length - 1 do
                    let difference = abs (slope numbers i changed - gradient[i].value)
                    Expect.isLessThan difference 2e-5 $"{name}[{i}]"

            check "h" expected.hGradient head.h (fun h -> { head with h = h })
            check "weight" expected.weightGradient head.weight (fun w -> { head with weight = w })
            check "bias" expected.biasGradient head.bias (fun b -> { head with bias = b }))

        testCase "the mean loss is the mean cross-entropy, with its gradients" (fun () ->
            let head = random 5 10 4 20 1.0
            let expected = answer head (Array.create 10 -0.1f)
            let r = Results head

            let inputs = inputsOf head
            let gradients = gradientsOf r

            let loss = LinearCrossEntropy.MeanLossAndGradients(&inputs, r.LogLikelihood, &gradients, Cores 1)

            let mean = -(expected.logLikelihood |> Array.averageBy _.value)
            Expect.floatClose Accuracy.medium loss mean "mean cross-entropy"
            close "hGradient" r.H expected.hGradient
            close "weightGradient" r.Weight expected.weightGradient
            close "biasGradient" r.Bias expected.biasGradient)

        testCase "no datapoints: gradients are zero, the mean loss is NaN" (fun () ->
            let head = random 1 0 3 5 1.0
            let r = Results head

            let inputs = inputsOf head
            let gradients = gradientsOf r

            let loss = LinearCrossEntropy.MeanLossAndGradients(&inputs, r.LogLikelihood, &gradients, Cores 3)

            Expect.isTrue (Double.IsNaN loss) "mean over nothing"
            Expect.equal r.Weight (Array.zeroCreate 15) "weight"
            Expect.equal r.Bias (Array.zeroCreate 5) "bias")

        testCase "the same number of threads gives the same bits" (fun () ->
            let head = random 11 500 8 700 4.0
            let rowWeight = Array.create 500 -0.002f

            for threads in 1..3 do
                let _, first = scoreAndGradients head rowWeight threads Cores.WidestLanes
                let _, second = scoreAndGradients head rowWeight threads Cores.WidestLanes
                Expect.equal second.LogLikelihood first.LogLikelihood "logLikelihood"
                Expect.equal second.H first.H "h"
                Expect.equal second.Weight first.Weight "weight"
                Expect.equal second.Bias first.Bias "bias")

        testCase "a logit's size does not matter, only its distance from the others" (fun () ->
            for shift in [ 0f; 1e3f; -1e6f; 1e20f; -1e38f ] do
                let head = {
                    hidden = 1
                    h = [| 0f; 0f |]
                    weight = Array.zeroCreate 50
                    bias = Array.create 50 shift
                    targets = [| 0L; 49L |]
                }

                for likelihood in likelihoods head do
                    Expect.floatClose Accuracy.medium (float likelihood) (-(log 50.0)) $"shift {shift}")

        testCase "a target less likely than float32 can say still has its likelihood" (fun () ->
            let head = {
                hidden = 1
                h = [| 1f; 1f; -1f |]
                weight = [| 5000f; -5000f; 0f |]
                bias = [| 0f; 0f; 1f |]
                targets = [| 1L; 2L; 1L |]
            }

            let expected = [| -10_000.0; -4_999.0; 0.0 |]

            for n in 0..2 do
                Expect.floatClose Accuracy.medium (float (likelihoods head).[n]) expected[n] $"row {n}"

            closeAll head [| 1f; -2f; 0.5f |] 1 Cores.WidestLanes)

        testCase "any distance between two logits is right, whichever is the target" (fun () ->
            for distance in [ -200f..5f..200f ] do
                let head = {
                    hidden = 1
                    h = [| 1f; 1f; -1f; -1f |]
                    // More classes than the widest panel: the last panel is computed with guards, others by their bounds.
                    weight = Array.init 100 (fun v -> if v = 1 then distance else 0f)
                    bias = Array.zeroCreate 100
                    targets = [| 0L; 1L; 0L; 1L |]
                }

                closeAll head [| 1f; 1f; 1f; 1f |] 1 Cores.WidestLanes)

        testCase "bounds that no logit comes near still leave gradients in float32's range" (fun () ->
            // Every class has one weight far above 0 and the others a little below, so that all logits are 0, but the bounds
            // allow a sum of all those far ones.
            let size = 40
            let own = 5.4 * log 2.0

            let head = {
                hidden = size
                h = Array.create size 1f
                weight =
                    Array.init (size * size) (fun i ->
                        float32 (if i / size = i % size then own else -own / float (size - 1)))
                bias = Array.zeroCreate size
                targets = [| 3L |]
            }

            closeAll head [| 1e5f |] 1 Cores.WidestLanes)

        testCase "a class of logit −∞ has probability 0 and no gradient" (fun () ->
            let head = random 13 9 3 40 1.0
            let targets = head.targets |> Array.map (fun t -> if t = 7L then 8L else t)
            let head = { head with targets = targets }
            head.bias[7] <- -infinityf
            let _, r = scoreAndGradients head (Array.create 9 1f) 1 Cores.WidestLanes
            Expect.equal r.Bias[7] 0f "bias"
            Expect.equal r.Weight[21..23] [| 0f; 0f; 0f |] "weight"

            let finite = { head with bias = Array.copy head.bias }

            finite.bias[7] <- -1e9f
            Expect.equal r.LogLikelihood (likelihoods finite) "as if the class were merely out of reach"

            Array.fill head.targets 0 1 7L
            Expect.equal (likelihoods head).[0] -infinityf "the likelihood of that class")

        testCase "a datapoint without finite logits is NaN, and only that one" (fun () ->
            for rubbish in [ nanf; infinityf; -infinityf; 1e38f * 3f; BitConverter.Int32BitsToSingle 0x7FC00123 ] do
                let clean = random 17 30 4 50 1.0
                let head = { clean with h = Array.copy clean.h }
                head.h[4 * 10 + 2] <- rubbish
                let expected = likelihoods clean
                let actual = likelihoods head

                for n in 0..29 do
                    if n = 10 then
                        Expect.isTrue (Single.IsNaN actual[n]) $"{rubbish}"
                    else
                        Expect.equal actual[n] expected[n] $"row {n} beside {rubbish}"

                let two = forwardBackward head (Array.create 30 1f) 2 Cores.WidestLanes
                Expect.isTrue (Single.IsNaN two.H[4 * 10]) "its gradient"
                Expect.isFalse (Array.exists Single.IsNaN two.H[44..]) "the others' gradients")

        testCase "a logit of +∞, or none above −∞, is NaN" (fun () ->
            let head = random 19 3 2 6 1.0

            let none = { head with bias = Array.create 6 -infinityf }

            let infinite = { head with bias = Array.init 6 (fun v -> if v = 4 then infinityf else 0f) }

            for head in [ none; infinite ] do
                Expect.isTrue (Array.forall Single.IsNaN (likelihoods head)) "no distribution")

        testCase "a target outside the vocabulary is refused, with its row" (fun () ->
            for target in [ -1L; 6L; Int64.MaxValue; Int64.MinValue ] do
                let head = random 23 4 2 6 1.0
                head.targets[2] <- target

                let message =
                    try
                        likelihoods head |> ignore
                        "accepted"
                    with :? ArgumentOutOfRangeException as e ->
                        e.Message

                Expect.stringContains message $"expected classes 0 to 5 (V = 6), got {target} in row 2" "message")

        testCase "lengths that fit no N, H, V are refused, with what was expected" (fun () ->
            let head = random 29 4 2 6 1.0

            let message head =
                try
                    likelihoods head |> ignore
                    "accepted"
                with :? ArgumentException as e ->
                    e.Message

            Expect.stringContains (message { head with h = Array.zeroCreate 7 }) "[4, 2] floats" "h"

            Expect.stringContains (message { head with weight = Array.zeroCreate 13 }) "multiple of V = 6" "weight"

            Expect.stringContains (message { head with bias = [||] }) "V ≥ 1" "bias"

            Expect.throwsT<ArgumentException>
                (fun () ->
                    let inputs = inputsOf head
                    LinearCrossEntropy.Score(&inputs, Array.zeroCreate<float32> 3, Cores 1))
                "logLikelihood"

            Expect.throwsT<ArgumentOutOfRangeException>
                (fun () ->
                    let inputs = inputsOf head
                    LinearCrossEntropy.Score(&inputs, Array.zeroCreate<float32> 4, Cores 0))
                "threads")
    ]
