/// The modular GRU's kernel against the same node in double precision, step by step through libtorch.
module ModNet.Tests.KernelGruTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet.Kernels
open ModNet.Runtime
open TorchSharp

/// Who chooses: the first rows may be given, the others drawn or most probable.
type Choosing =
    | Given
    | Drawn
    | Mode
    | GivenThenDrawn
    | GivenThenMode

type Case = {
    Size: ModularGruSize
    Bias: bool
    Starts: bool
    Choosing: Choosing
    ReadsStates: bool
    ReadsController: bool
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

            let! reads =
                Gen.frequency [ 6, Gen.constant (true, true); 1, Gen.elements [ true, false; false, true ] ]

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
                Threads = threads
                Lanes = lanes
                Seed = seed
            }
        }
        |> Arb.fromGen

let private config = {
    FsCheckConfig.defaultConfig with
        maxTest = 120
        replay = Some(20181125, 1)
        arbitrary = [ typeof<Cases> ]
}

let private singles (t: torch.Tensor) = numbers t |> Array.map float32

/// The node in double precision, its parameters such as float32 can hold, by name.
let private nodeOf (case: Case) =
    let size = case.Size
    let init = doubles case.Seed
    let both = size.Hidden + size.Inputs

    let activation =
        if size.ReluInside then
            Activation.Relu
        else
            Activation.Identity

    let pool =
        new LinearPool("pool", size.Modules, both, size.Hidden, activation, case.Bias, init)

    let controller = new LinearController(both, size.Choose, size.Modules, init)

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
        // Far enough from uniform that choices differ from row to row.
        let factor = if name.StartsWith "controller" then 4.0 else 1.5

        p.copy_ ((p.mul (factor.ToScalar())).to_type(torch.ScalarType.Float32).to_type(torch.ScalarType.Float64))
        |> ignore

    node, Map all

/// What goes in, and what a loss weighs the results by.
type private Data = {
    X: torch.Tensor
    Initial: torch.Tensor option
    Given: int64[]
    Uniforms: float32[]
    States: torch.Tensor
    Logs: torch.Tensor
}

let private dataOf (case: Case) =
    let s = case.Size
    let random = Random case.Seed

    let numbers (shape: int list) =
        let values =
            Array.init (List.fold (*) 1 shape) (fun _ -> float (float32 (random.NextDouble() * 2.0 - 1.0)))

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
        Initial =
            if case.Starts then
                Some(numbers [ s.Rows; s.Hidden ])
            else
                None
        Given = Array.init (given * s.Steps * s.Choose) (fun _ -> int64 (random.Next s.Modules))
        Uniforms = Array.init (drawn * s.Steps * s.Choose) (fun _ -> random.NextSingle())
        States = numbers [ s.Rows; s.Steps; s.Hidden ]
        Logs = numbers [ s.Rows; s.Steps; s.Choose; s.Modules ]
    }

/// Results of the kernel, filled with rubbish first, which must be overwritten.
type private Results = {
    States: float32[]
    Logs: float32[]
    Indices: int64[]
    Record: float32[]
    X: float32[]
    Initial: float32[]
    Gradients: Map<string, float32[]>
}

let private rubbish (length: int) = Array.create length nanf

let private weights (of': Map<string, float32[]>) =
    let part name =
        of' |> Map.tryFind name |> Option.defaultValue [||]

    ModularGruWeights(
        Gate = Span(part "gate_weight"),
        GateBias = Span(part "gate_bias"),
        Controller = Span(part "controller.weight"),
        ControllerBias = Span(part "controller.bias"),
        Module = Span(part "weight"),
        ModuleBias = Span(part "bias")
    )

let private trace (r: Results) =
    ModularGruTrace(
        States = Span r.States,
        LogProbabilities = Span r.Logs,
        Indices = Span r.Indices,
        Record = Span r.Record
    )

let private initialOf (data: Data) =
    data.Initial |> Option.map singles |> Option.defaultValue [||]

let private forward (case: Case) (data: Data) parameters record =
    let s = case.Size
    let steps = s.Rows * s.Steps
    let length = ModularGruLayout(&s, case.Lanes).RecordLength

    let results = {
        States = rubbish (steps * s.Hidden)
        Logs = rubbish (steps * s.Choose * s.Modules)
        Indices = Array.create (steps * s.Choose) -1L
        Record = if record then rubbish (steps * length) else [||]
        X = rubbish (steps * s.Inputs)
        Initial = if case.Starts then rubbish (s.Rows * s.Hidden) else [||]
        Gradients =
            parameters
            |> Map.filter (fun (name: string) _ -> case.ReadsController || not (name.StartsWith "controller"))
            |> Map.map (fun _ p -> rubbish (Array.length p))
    }

    let x, initial = singles data.X, initialOf data
    let w = weights parameters
    let out = trace results

    ModularGruCall.Forward(&s, x, initial, &w, data.Given, data.Uniforms, &out, case.Threads, case.Lanes)

    results

let private backward (case: Case) (data: Data) parameters (results: Results) =
    let s = case.Size
    let x, initial = singles data.X, initialOf data
    let states = if case.ReadsStates then singles data.States else [||]
    let logs = if case.ReadsController then singles data.Logs else [||]
    let w = weights parameters
    let seen = trace results
    let gradients = weights results.Gradients

    ModularGruCall.Backward(
        &s,
        x,
        initial,
        &w,
        &seen,
        states,
        logs,
        results.X,
        results.Initial,
        &gradients,
        case.Threads,
        case.Lanes
    )

let private close what (actual: float32[]) (expected: float[]) =
    Expect.equal actual.Length expected.Length $"{what}: length"
    let greatest = expected |> Array.fold (fun most v -> max most (abs v)) 0.0

    for i in 0 .. expected.Length - 1 do
        let difference = abs (float actual[i] - expected[i])

        if not (difference <= 2e-5 * (1.0 + greatest)) then
            failtestf "%s[%i]: got %.9g, expected %.9g" what i actual[i] expected[i]

let private parametersOf (all: Map<string, torch.Tensor>) = all |> Map.map (fun _ p -> singles p)

/// Choices are as they were to be made, going by the kernel's own probabilities.
let private checkChoices (case: Case) (data: Data) (r: Results) =
    let s = case.Size
    let each = s.Steps * s.Choose

    for i in 0 .. r.Indices.Length - 1 do
        let p = Array.sub r.Logs (i * s.Modules) s.Modules
        let chosen = int r.Indices[i]

        if i < data.Given.Length then
            Expect.equal r.Indices[i] data.Given[i] "given"
        elif data.Uniforms.Length > 0 then
            let row, step, k = i / each, i % each / s.Choose, i % s.Choose
            let u = float data.Uniforms[(step * s.Rows + row) * s.Choose + k]
            let sums = p |> Array.map (float >> exp) |> Array.scan (+) 0.0
            let total = sums[s.Modules]
            Expect.isLessThanOrEqual (sums[chosen] - 1e-5) (u * total) "not too far"
            Expect.isGreaterThan (sums[chosen + 1] + 1e-5) (u * total) "far enough"
        else
            Expect.equal (Array.findIndex ((=) (Array.max p)) p) chosen "most probable"

[<Tests>]
let kernel =
    testList "modular GRU kernel" [
        testPropertyWithConfig config "states, probabilities, choices and every gradient"
        <| fun (case: Case) ->
            scoped
            <| fun () ->
                let s = case.Size
                let node, all = nodeOf case
                let data = dataOf case
                let parameters = parametersOf all
                let results = forward case data parameters true
                checkChoices case data results
                backward case data parameters results

                if s.Rows > 0 then
                    let x = data.X.clone().requires_grad_ true
                    use carried = new RecurrentState()

                    // The state keeps a copy of h, and lets go of it when the window ends: this is a hand on that copy.
                    let initial =
                        data.Initial
                        |> Option.map (fun h ->
                            carried.Leave("gru", h)
                            carried["gru"].requires_grad_(true).alias())

                    let compositions =
                        torch.tensor(results.Indices).view(int64 s.Rows, int64 (s.Steps * s.Choose))

                    let route = Route(GivenSelector compositions, null, 0L, carried)
                    let states = node.Forward(x, route)

                    let logs =
                        torch.stack ([| for e in route.Tape.Entries -> e.Distribution.LogProbabilities |], 1L)

                    close "states" results.States (numbers states)
                    close "log-probabilities" results.Logs (numbers logs)

                    let loss =
                        (if case.ReadsStates then
                             (states * data.States).sum()
                         else
                             torch.zeros 1)
                        + (if case.ReadsController then
                               (logs * data.Logs).sum()
                           else
                               torch.zeros 1)

                    if loss.requires_grad then
                        loss.backward ()

                    close "x's gradient" results.X (numbers (Slopes.gradient x))

                    initial
                    |> Option.iter (fun h -> close "h's gradient" results.Initial (numbers (Slopes.gradient h)))

                    for KeyValue(name, gradient) in results.Gradients do
                        close $"gradient of {name}" gradient (numbers (Slopes.gradient all[name]))

                    for m in Seq.except (results.Indices |> Seq.map int) [ 0 .. s.Modules - 1 ] do
                        let block = results.Gradients["weight"].Length / s.Modules
                        let own = Array.sub results.Gradients["weight"] (m * block) block
                        Expect.isTrue (own |> Array.forall ((=) 0f)) $"module {m}, which nothing chose"

        testPropertyWithConfig config "the same bits again, and of a row whatever is beside it"
        <| fun (case: Case) ->
            scoped
            <| fun () ->
                let s = case.Size
                let _, all = nodeOf case
                let data = dataOf case
                let parameters = parametersOf all
                let once = forward case data parameters true
                backward case data parameters once
                let again = forward case data parameters true
                backward case data parameters again
                Expect.equal again once "all results"
                let other = forward { case with Threads = 4 - case.Threads } data parameters false
                Expect.equal other.States once.States "states on other threads"
                Expect.equal other.Logs once.Logs "log-probabilities on other threads"
                Expect.equal other.Indices once.Indices "choices on other threads"

                if s.Rows > 1 && case.Choosing = Mode then
                    let last (t: torch.Tensor) = t.narrow (0L, int64 s.Rows - 1L, 1L)

                    let alone =
                        forward
                            {
                                case with
                                    Size =
                                        ModularGruSize(
                                            1,
                                            s.Steps,
                                            s.Inputs,
                                            s.Hidden,
                                            s.Modules,
                                            s.Choose,
                                            ReluInside = s.ReluInside,
                                            Once = s.Once
                                        )
                            }
                            {
                                data with
                                    X = last data.X
                                    Initial = data.Initial |> Option.map last
                            }
                            parameters
                            false

                    let length = s.Steps * s.Hidden
                    Expect.equal alone.States (Array.skip (once.States.Length - length) once.States) "a row alone"

        testCase "NaN and infinity are passed on, not hidden"
        <| fun () ->
            scoped
            <| fun () ->
                let case = {
                    Size = ModularGruSize(1, 2, 2, 3, 4, 1)
                    Bias = true
                    Starts = false
                    Choosing = Mode
                    ReadsStates = true
                    ReadsController = true
                    Threads = 1
                    Lanes = 4
                    Seed = 7
                }

                let _, all = nodeOf case
                let data = dataOf case

                for bad in [ nan; infinity ] do
                    let x = data.X.clone ()
                    x.view(-1L).narrow(0L, 1L, 1L).fill_(bad.ToScalar()) |> ignore
                    let r = forward case { data with X = x } (parametersOf all) false
                    Expect.isTrue (r.States |> Array.exists (Single.IsFinite >> not)) $"states of {bad}"
                    Expect.isTrue (r.Logs |> Array.exists Single.IsNaN) $"log-probabilities of {bad}"
                    Expect.isTrue (r.Indices |> Array.forall (fun i -> i >= 0L && i < 4L)) $"choices of {bad}"

        testCase "what does not fit is named"
        <| fun () ->
            scoped
            <| fun () ->
                let case = {
                    Size = ModularGruSize(2, 2, 2, 3, 4, 1)
                    Bias = true
                    Starts = false
                    Choosing = Given
                    ReadsStates = true
                    ReadsController = true
                    Threads = 1
                    Lanes = 4
                    Seed = 7
                }

                let _, all = nodeOf case
                let data = dataOf case
                let parameters = parametersOf all

                let fails (text: string) (body: unit -> unit) =
                    Expect.throwsC body (fun e -> Expect.stringContains e.Message text "message")

                fails "given: expected modules 0 to 3 (M = 4), got 4 at 0" (fun () ->
                    let given = Array.append [| 4L |] (Array.skip 1 data.Given)
                    forward case { data with Given = given } parameters true |> ignore)

                fails "given: expected [R, T, K], a multiple of 2" (fun () ->
                    forward case { data with Given = [| 0L |] } parameters true |> ignore)

                fails "weights.Gate: expected [2·H, H + I] = 30 numbers, got 1" (fun () ->
                    forward case data (Map.add "gate_weight" [| 0f |] parameters) true |> ignore)

                fails "Record: expected B·T·RecordLength" (fun () ->
                    backward case data parameters (forward case data parameters false))
    ]
