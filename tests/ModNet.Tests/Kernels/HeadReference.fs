/// The head of a language model written to be obviously right: double precision, one number at a time.
module ModNet.Tests.HeadReference

open System

/// h [N, H], weight [V, H], bias [V], targets [N]; row-major float32, as the kernel takes them.
type Head = { hidden: int; h: float32[]; weight: float32[]; bias: float32[]; targets: int64[] }

/// A number and how far from it a float32 computation may honestly end.
type Value = { value: float; tolerance: float }

type Answer = {
    logLikelihood: Value[]
    logSumExp: Value[]
    hGradient: Value[]
    weightGradient: Value[]
    biasGradient: Value[]
}

let logit head n v =
    let mutable sum = float head.bias[v]

    for k in 0 .. head.hidden - 1 do
        sum <- sum + float head.h[n * head.hidden + k] * float head.weight[v * head.hidden + k]

    sum

/// By how much the float32 logits of datapoint n may be off: a rounding of 2^-24 at each of the H + 3 steps, twice over.
let private logitTolerance head n =
    let magnitude v =
        let mutable sum = abs (float head.bias[v])

        for k in 0 .. head.hidden - 1 do
            sum <- sum + abs (float head.h[n * head.hidden + k] * float head.weight[v * head.hidden + k])

        sum

    let largest = Seq.max (Seq.map magnitude (seq { 0 .. head.bias.Length - 1 }))
    float (head.hidden + 3) * Math.ScaleB(largest, -23)

/// Log-likelihoods, and gradients of Σ_n rowWeight_n · logLikelihood_n.
let answer head (rowWeight: float32[]) =
    let count = head.targets.Length
    let vocabulary = head.bias.Length
    let hidden = head.hidden
    let logLikelihood = Array.create count { value = 0.0; tolerance = 0.0 }
    let logSumExp = Array.create count { value = 0.0; tolerance = 0.0 }
    let hGradient = Array.create (count * hidden) { value = 0.0; tolerance = 1e-30 }

    let weightGradient = Array.create (vocabulary * hidden) { value = 0.0; tolerance = 1e-30 }

    let biasGradient = Array.create vocabulary { value = 0.0; tolerance = 1e-30 }

    let add (values: Value[]) i value tolerance =
        values[i] <- { value = values[i].value + value; tolerance = values[i].tolerance + tolerance }

    for n in 0 .. count - 1 do
        let logits = Array.init vocabulary (logit head n)
        let greatest = Array.max logits
        let lse = greatest + log (Array.sumBy (fun x -> exp (x - greatest)) logits)
        let target = int head.targets[n]
        let rounding = logitTolerance head n
        let likelihood = logits[target] - lse

        logLikelihood[n] <- { value = likelihood; tolerance = 2.0 * rounding + 1e-6 + 2e-7 * abs likelihood }

        logSumExp[n] <- { value = lse; tolerance = rounding + 1e-6 + 2e-7 * abs lse }

        let weight = float rowWeight[n]
        // How wrong a probability may be, relative to itself.
        let relative = Math.Exp(2.0 * rounding + 2e-7 * abs lse) - 1.0 + 2e-6

        for v in 0 .. vocabulary - 1 do
            let p = exp (logits[v] - lse)
            let onehot = if v = target then 1.0 else 0.0
            let gradient = weight * (onehot - p)
            let tolerance = abs weight * (p * relative + onehot * 1e-6 + 1e-30)
            add biasGradient v gradient tolerance

            for k in 0 .. hidden - 1 do
                let x = float head.h[n * hidden + k]
                let w = float head.weight[v * hidden + k]
                add weightGradient (v * hidden + k) (gradient * x) (tolerance * abs x)
                add hGradient (n * hidden + k) (gradient * w) (tolerance * abs w)

    {
        logLikelihood = logLikelihood
        logSumExp = logSumExp
        hGradient = hGradient
        weightGradient = weightGradient
        biasGradient = biasGradient
    }

let private normal (random: Random) =
    sqrt (-2.0 * log (1.0 - random.NextDouble())) * cos (2.0 * Math.PI * random.NextDouble())

/// A head of random numbers; spread is the standard deviation of a logit.
let random seed count hidden vocabulary spread =
    let random = Random(seed: int)

    let numbers length scale = Array.init length (fun _ -> float32 (scale * normal random))

    {
        hidden = hidden
        h = numbers (count * hidden) 1.0
        weight = numbers (vocabulary * hidden) (spread / sqrt (float (2 * hidden)))
        bias = numbers vocabulary (spread / sqrt 2.0)
        targets = Array.init count (fun _ -> int64 (random.Next vocabulary))
    }
