/// Cases for the modular GRU's kernel, and the same node in double precision, step by step through libtorch.
module ModNet.Tests.GruCases

open System
open Expecto
open FsCheck.FSharp
open ModNet.Kernels
open ModNet.Runtime
open TorchSharp

/// Who chooses: the first rows may be given, the others drawn or most probable; or a gate does.
type Choosing =
    | Given
    | Drawn
    | Mode
    | GivenThenDrawn
    | GivenThenMode
    | Gate

type Case = {
    Size: ModularGruSize
    Bias: bool
    Starts: bool
    Choosing: Choosing
    ReadsStates: bool
    ReadsController: bool
    ReadsFactors: bool
    Threads: int
    Lanes: int
    Seed: int
}

type Cases =
    static member Case() =
        gen {
            let! rows = Gen.elements [ 0; 1; 2; 5; 33 ]
            let! steps = Gen.elements [ 1; 2; 7 ]
            let! inputs = Gen.elements [ 1; 5; 32 ]
            let! hidden = Gen.elements [ 1; 3; 8; 17 ]
            let! modules = Gen.frequency [ 8, Gen.elements [ 1; 2; 5; 15 ]; 1, Gen.constant 300 ]
            let! choose = Gen.choose (1, 3)
            let! relu, once, stop = Gen.elements [ true; false ] |> Gen.three
            let! bias, starts = Gen.elements [ true; false ] |> Gen.two
            let! choosing = Gen.elements [ Given; Drawn; Mode; GivenThenDrawn; GivenThenMode ]

            let! reads = Gen.frequency [ 6, Gen.constant (true, true); 1, Gen.elements [ true, false; false, true ] ]

            let! threads = Gen.choose (1, 3)
            let! lanes = Gen.elements [ 4; 8; 16 ]
            let! seed = Gen.choose (0, 1_000_000)

            return {
                Size =
                    ModularGruSize(
                        rows,
                        steps,
                        inputs,
                        hidden,
                        modules,
                        choose,
                        ReluInside = relu,
                        Once = once,
                        StopGradient = stop
                    )
                Bias = bias
                Starts = starts
                Choosing = choosing
                ReadsStates = fst reads
                ReadsController = snd reads
                ReadsFactors = false
                Threads = threads
                Lanes = lanes
                Seed = seed
            }
        }
        |> Arb.fromGen

let singles (t: torch.Tensor) = numbers t |> Array.map float32

/// The node in double precision, its parameters such as float32 can hold, by name.
let nodeOf (case: Case) =
    let size = case.Size
    let init = doubles case.Seed
    let both = size.Hidden + size.Inputs

    let activation = if size.ReluInside then Activation.Relu else Activation.Identity

    let pool = new LinearPool("pool", size.Modules, both, size.Hidden, activation, case.Bias, init)

    let controller = new LinearController(both, size.Choose, size.Modules, init)

    if size.Noisy then controller.AddNoise()

    let node =
        new ModularGru(
            "gru",
            size.Inputs,
            size.Hidden,
            controller,
            pool,
            Combine.Sum,
            Dispatch.Wide,
            init,
            (if size.Once then Duplicates.Once else Duplicates.Every),
            size.StopGradient
        )

    let all = Slopes.parameters node @ Slopes.parameters pool
    use _ = torch.no_grad ()

    for name, p in all do
        // It begins at zero: other values take part in more.
        if name = "controller.noise" then p.normal_ (0.0, 0.3, generator (case.Seed + 1)) |> ignore

    for name, p in all do
        // Far enough from uniform that choices differ from row to row.
        let factor = if name.StartsWith "controller" then 4.0 else 1.5

        p.copy_ ((p.mul (factor.ToScalar())).to_type(torch.ScalarType.Float32).to_type(torch.ScalarType.Float64))
        |> ignore

    node, Map all

/// What goes in, and what a loss weighs the results by.
type Data = {
    X: torch.Tensor
    Initial: torch.Tensor option
    Given: int64[]
    Uniforms: float32[]
    Noise: torch.Tensor
    States: torch.Tensor
    Logs: torch.Tensor
    Factors: torch.Tensor
}

let dataOf (case: Case) =
    let s = case.Size
    let random = Random case.Seed

    let numbers (shape: int list) =
        let values = Array.init (List.fold (*) 1 shape) (fun _ -> float (float32 (random.NextDouble() * 2.0 - 1.0)))

        torch.tensor(values).view(shape |> List.map int64 |> Array.ofList)

    let given =
        match case.Choosing with
        | Given -> s.Rows
        | GivenThenDrawn
        | GivenThenMode -> s.Rows / 2
        | _ -> 0

    let drawn =
        match case.Choosing with
        | Drawn
        | GivenThenDrawn -> s.Rows
        | _ -> 0

    {
        X = numbers [ s.Rows; s.Steps; s.Inputs ]
        Initial = if case.Starts then Some(numbers [ s.Rows; s.Hidden ]) else None
        Given = Array.init (given * s.Steps * s.Choose) (fun _ -> int64 (random.Next s.Modules))
        Uniforms = Array.init (drawn * s.Steps * s.Choose) (fun _ -> random.NextSingle())
        States = numbers [ s.Rows; s.Steps; s.Hidden ]
        Logs = numbers [ s.Rows; s.Steps; s.Choose; s.Modules ]
        Noise = numbers (if s.Noisy then [ s.Steps; s.Rows; s.Modules ] else [ 0 ])
        Factors = numbers [ s.Rows; s.Steps; s.TopK ]
    }

/// Results of the kernel, filled with rubbish first, which must be overwritten.
type Results = {
    States: float32[]
    Logs: float32[]
    Indices: int64[]
    Factors: float32[]
    Record: float32[]
    X: float32[]
    Initial: float32[]
    Gradients: Map<string, float32[]>
}

let rubbish (length: int) = Array.create length nanf

let weights (of': Map<string, float32[]>) =
    let part name = of' |> Map.tryFind name |> Option.defaultValue [||]

    ModularGruWeights(
        Gate = Span(part "gate_weight"),
        GateBias = Span(part "gate_bias"),
        Controller = Span(part "controller.weight"),
        ControllerBias = Span(part "controller.bias"),
        Module = Span(part "weight"),
        ModuleBias = Span(part "bias"),
        Noise = Span(part "controller.noise")
    )

let trace (r: Results) =
    ModularGruTrace(
        States = Span r.States,
        LogProbabilities = Span r.Logs,
        Indices = Span r.Indices,
        Factors = Span r.Factors,
        Record = Span r.Record
    )

let initialOf (data: Data) = data.Initial |> Option.map singles |> Option.defaultValue [||]

let forward (case: Case) (data: Data) parameters record =
    let s = case.Size
    let steps = s.Rows * s.Steps
    let length = ModularGruLayout(&s, (Cores(case.Threads, case.Lanes).ForRows s.Hidden).Lanes).RecordLength

    let results = {
        States = rubbish (steps * s.Hidden)
        Logs = rubbish (steps * s.Choose * s.Modules)
        Indices = Array.create (steps * s.Runs) -1L
        Factors = rubbish (steps * s.TopK)
        Record = if record then rubbish (steps * length) else [||]
        X = rubbish (steps * s.Inputs)
        Initial = if case.Starts then rubbish (s.Rows * s.Hidden) else [||]
        Gradients =
            parameters
            |> Map.filter (fun (name: string) _ ->
                case.ReadsController || s.TopK > 0 || not (name.StartsWith "controller"))
            |> Map.map (fun _ p -> rubbish (Array.length p))
    }

    let x, initial = singles data.X, initialOf data
    let w = weights parameters
    let out = trace results

    let choices =
        ModularGruChoices(
            Given = ReadOnlySpan data.Given,
            Uniforms = ReadOnlySpan data.Uniforms,
            Noise = ReadOnlySpan(singles data.Noise)
        )

    ModularGruWindow.Forward(&s, x, initial, &w, &choices, &out, Cores(case.Threads, case.Lanes))

    results

let backward (case: Case) (data: Data) parameters (results: Results) =
    let s = case.Size
    let x, initial = singles data.X, initialOf data
    let read wanted of' = if wanted then singles of' else [||]

    let given =
        ModularGruTrace(
            States = Span(read case.ReadsStates data.States),
            LogProbabilities = Span(read case.ReadsController data.Logs),
            Factors = Span(read case.ReadsFactors data.Factors)
        )

    let w = weights parameters
    let seen = trace results
    let gradients = weights results.Gradients

    ModularGruWindow.Backward(
        &s,
        x,
        initial,
        &w,
        &seen,
        &given,
        results.X,
        results.Initial,
        &gradients,
        Cores(case.Threads, case.Lanes)
    )

let close what (actual: float32[]) (expected: float[]) =
    Expect.equal actual.Length expected.Length $"{what}: length"
    let greatest = expected |> Array.fold (fun most v -> max most (abs v)) 0.0

    for i in 0 .. expected.Length - 1 do
        let difference = abs (float actual[i] - expected[i])

        if not (difference <= 2e-5 * (1.0 + greatest)) then
            failtestf "%s[%i]: got %.9g, expected %.9g" what i actual[i] expected[i]

let parametersOf (all: Map<string, torch.Tensor>) = all |> Map.map (fun _ p -> singles p)

/// The kernel's results and every gradient are those of the node, whose selector takes the same modules.
let agree (case: Case) (data: Data) (node: ModularGru) (all: Map<string, torch.Tensor>) (results: Results) selector =
    let s = case.Size
    let x = data.X.clone().requires_grad_ true
    use carried = new RecurrentState()

    // The state keeps a copy of h, and lets go of it when the window ends: this is a hand on that copy.
    let initial =
        data.Initial
        |> Option.map (fun h ->
            carried.Leave("gru", h)
            carried["gru"].requires_grad_(true).alias())

    let route = Route(selector, null, 0L, carried)
    let states = node.Forward(x, route)
    let entries = route.Tape.Entries

    let logs = torch.stack ([| for e in entries -> e.Distribution.LogProbabilities |], 1L)

    close "states" results.States (numbers states)
    close "log-probabilities" results.Logs (numbers logs)

    let factors =
        if s.TopK > 0 then
            torch.stack ([| for e in entries -> e.Selection.Weights |], 1L)
        else
            torch.zeros_like data.Factors

    close "factors" results.Factors (numbers factors)

    let loss =
        [
            case.ReadsStates, states, data.States
            case.ReadsController, logs, data.Logs
            case.ReadsFactors, factors, data.Factors
        ]
        |> List.filter (fun (read, _, _) -> read)
        |> List.fold (fun loss (_, result, weights) -> loss + (result * weights).sum()) (torch.zeros 1)

    if loss.requires_grad then loss.backward ()

    close "x's gradient" results.X (numbers (Slopes.gradient x))

    initial |> Option.iter (fun h -> close "h's gradient" results.Initial (numbers (Slopes.gradient h)))

    for KeyValue(name, gradient) in results.Gradients do
        close $"gradient of {name}" gradient (numbers (Slopes.gradient all[name]))

    for m in Seq.except (results.Indices |> Seq.map int) [ 0 .. s.Modules - 1 ] do
        for name in [ "weight"; "controller.noise" ] do
            results.Gradients
            |> Map.tryFind name
            |> Option.iter (fun gradient ->
                let block = gradient.Length / s.Modules
                let own = Array.sub gradient (m * block) block
                Expect.isTrue (own |> Array.forall ((=) 0f)) $"module {m}, which nothing chose: {name}")
