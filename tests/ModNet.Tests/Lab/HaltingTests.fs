/// Programs and folds that halt, and folds: held against interpreters on plain arrays.
module ModNet.Tests.HaltingTests

open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Runtime
open TorchSharp

/// Sizes of a program or fold of tanh maps, and the seed of its input and layout.
type HaltingSizes = { Seed: int; Registers: int; Width: int; Steps: int; Arity: int; Operators: int }

type Arbitraries =
    static member HaltingSizes() =
        gen {
            let! seed = Gen.choose (1, 1_000_000)
            let! registers = Gen.choose (1, 3)
            let! width = Gen.choose (1, 3)
            let! steps = Gen.choose (1, 4)
            let! arity = Gen.choose (1, 2)
            let! operators = Gen.choose (1, 3)

            return {
                Seed = seed
                Registers = registers
                Width = width
                Steps = steps
                Arity = arity
                Operators = operators
            }
        }
        |> Arb.fromGen

let private config = { FsCheckConfig.defaultConfig with maxTest = 12; arbitrary = [ typeof<Arbitraries> ] }
let private batch = 3

let private operators s =
    pool "operators" {
        modules s.Operators
        unit (linear s.Width |> tanh)
    }

let private asTensor (rows: int64[][]) = torch.tensor(Array.concat rows).view(int64 rows.Length, -1L)

let private compiled seed net =
    let graph = compile seed net
    graph.``to`` (torch.ScalarType.Float64) |> ignore
    graph

/// A module's map on plain arrays.
let private mapped (graph: Graph) (operator: int) (x: float[]) =
    let parameters = Map.ofList (Slopes.parameters graph)

    // Modules of one kind have their parameters in one tensor, those beside a halt have their own.
    let weight, bias =
        match Map.tryFind "pools.operators.weight" parameters with
        | Some weight -> (cube weight)[operator], (matrix parameters["pools.operators.bias"])[operator]
        | None ->
            let own name = parameters[$"pools.operators.module{operator}.linear1.{name}"]
            matrix (own "weight"), vector (own "bias")

    Array.map2 (fun row bias -> tanh (bias + Array.sum (Array.map2 (*) row x))) weight bias

let private gradients (graph: Graph) =
    Map.ofList [ for name, p in Slopes.parameters graph -> name, numbers (Slopes.gradient p) ]

/// Gives a graph the parameters that another one has under the same names.
let private copy (from: Graph) (into: Graph) =
    use _ = torch.no_grad ()
    let all = Map.ofList (Slopes.parameters from)

    for name, p in Slopes.parameters into do
        match Map.tryFind name all with
        | Some value -> p.copy_ (value) |> ignore
        | None -> ()

let private isNear (expected: float[]) (actual: float[]) what =
    Expect.equal actual.Length expected.Length what

    for e, a in Array.zip expected actual do
        Expect.isLessThan (abs (a - e)) 1e-11 what

/// What both graphs have is equal, and what the longer one has besides gets no gradient.
let private sameGradients (short: Graph) (long: Graph) =
    let expected = gradients short

    for KeyValue(name, gradient) in gradients long do
        match Map.tryFind name expected with
        | Some expected -> isNear expected gradient name
        | None -> Expect.all gradient ((=) 0.0) name

// Programs.

let private programOf s count form =
    network "n" {
        features (s.Registers * s.Width)

        program "solve" {
            registers s.Registers
            width s.Width
            steps count
            from (operators s)
            arity s.Arity
            controller form
            all_registers
            halts
        }

        gaussian (variance 0.5)
    }

/// A layout for every datapoint, which halts at one of its steps; what it says afterwards is of no account.
let private layouts s steps = [|
    let random = System.Random s.Seed

    for _ in 1..batch do
        let stop = random.Next s.Steps

        [|
            for step in 0 .. steps - 1 do
                for _ in 1 .. s.Arity do
                    int64 (random.Next(s.Registers + step))

                int64 (if step = stop then s.Operators else random.Next(s.Operators + if step > stop then 1 else 0))
        |]
|]

/// The last register, and how many choices there were until the halt.
let private interpret s (graph: Graph) (x: float[]) (layout: int64[]) =
    let start = [ for register in 0 .. s.Registers - 1 -> x[register * s.Width .. (register + 1) * s.Width - 1] ]

    let rec from step registers =
        let own = layout[step * (s.Arity + 1) .. step * (s.Arity + 1) + s.Arity] |> Array.map int
        let operands = own[.. s.Arity - 1] |> Array.map (fun at -> List.item at registers)

        if own[s.Arity] = s.Operators then
            operands[0], (step + 1) * (s.Arity + 1)
        else
            from (step + 1) (mapped graph own[s.Arity] (Array.concat operands) :: registers)

    from 0 start

let private newest s (output: GraphOutput) = output.Features.narrow (1, 0L, int64 s.Width)

/// log p of the first choices of a datapoint, from the tape's distributions.
let private firstChoices (tape: Tape) (row: int) (count: int) =
    Seq.sum (
        seq {
            for entry in Seq.truncate count tape.Entries do
                let choice = entry.Selection.Indices[int64 row, 0L].ToInt64()
                entry.Distribution.LogProbabilities[int64 row, 0L, choice].ToDouble()
        }
    )

// Folds.

let private inputs = 2

let private foldOf s (isHalting: bool) form =
    network "n" {
        sequence inputs

        if isHalting then
            fold {
                width s.Width
                from (operators s)
                controller form
                halts
            }
        else
            fold {
                width s.Width
                from (operators s)
                controller form
            }

        last_step
        gaussian (variance 0.5)
    }

/// The last state under a choice for every step.
let private folded s (graph: Graph) (x: float[][]) (choices: int64[]) =
    let next (h, hasHalted) (step: float[], choice: int64) =
        if hasHalted || int choice = s.Operators then
            h, true
        else
            mapped graph (int choice) (Array.append h step), false

    Array.zip x choices |> Array.fold next (Array.zeroCreate s.Width, false) |> fst

[<Tests>]
let tests =
    testList "programs that halt" [
        for form in [ Linear; Given ] do
            testPropertyWithConfig
                config
                $"a program gives the register that it halts on, forward and backward, by {form}"
            <| fun (s: HaltingSizes) ->
                scoped
                <| fun () ->
                    use graph = compiled s.Seed (programOf s s.Steps form)
                    let x = normal s.Seed [ batch; s.Registers * s.Width ]
                    let layouts = layouts s s.Steps
                    x.requires_grad_ true |> ignore

                    let run () =
                        match form with
                        | Given -> graph.Forward(x, ModeSelector(), SideInputs(null, asTensor layouts))
                        | _ -> graph.Forward(x, GivenSelector(asTensor layouts))

                    let expected = Array.map2 (interpret s graph) (matrix (x.detach ())) layouts
                    isNear (expected |> Array.collect fst) (numbers (newest s (run ()))) "values"

                    if form <> Given then
                        let tape = (run ()).Tape
                        let own = [| for row in 0 .. batch - 1 -> firstChoices tape row (snd expected[row]) |]
                        isNear own (numbers (tape.LogProbability())) "choices after the halt are none"

                    let upstream = normal 77 [ batch; s.Width ]

                    Slopes.agree (("input", x) :: Slopes.parameters graph) (fun () ->
                        let output = run ()
                        let gives = (newest s output * upstream).sum()
                        if form = Given then gives else gives + output.Tape.LogProbability().sum())

        testPropertyWithConfig config "more steps after the halt change nothing"
        <| fun (s: HaltingSizes) ->
            scoped
            <| fun () ->
                let more = s.Steps + 2
                use short = compiled s.Seed (programOf s s.Steps Linear)
                use long = compiled (s.Seed + 1) (programOf s more Linear)
                copy short long
                let x = normal s.Seed [ batch; s.Registers * s.Width ]
                let all = layouts s more
                let first = all |> Array.map (Array.truncate (s.Steps * (s.Arity + 1)))
                let upstream = normal 77 [ batch; s.Width ]

                let of' (graph: Graph) (layout: int64[][]) =
                    let output = graph.Forward(x, GivenSelector(asTensor layout))
                    let chosen = output.Tape.LogProbability()
                    ((newest s output * upstream).sum() + chosen.sum ()).backward()
                    numbers (newest s output), numbers chosen

                let values, chosen = of' short first
                let values', chosen' = of' long all
                isNear values values' "what it gives"
                isNear chosen chosen' "log p(a|x)"
                sameGradients short long

        testPropertyWithConfig config "a fold gives what an interpreter gives, forward and backward"
        <| fun (s: HaltingSizes) ->
            scoped
            <| fun () ->
                let random = System.Random s.Seed
                let isHalting = random.Next 2 = 0
                use graph = compiled s.Seed (foldOf s isHalting (Mlp [ 3 ]))
                let x = (normal s.Seed [ batch; s.Steps; inputs ]).requires_grad_ true
                let limit = s.Operators + if isHalting then 1 else 0
                let choices = Array.init batch (fun _ -> Array.init s.Steps (fun _ -> int64 (random.Next limit)))
                let run () = graph.Forward(x, GivenSelector(asTensor choices))
                let expected = Array.map2 (folded s graph) (cube (x.detach ())) choices |> Array.concat
                isNear expected (numbers (run ()).Features) "values"
                let upstream = normal 77 [ batch; s.Width ]

                Slopes.agree (("input", x) :: Slopes.parameters graph) (fun () ->
                    let output = run ()
                    (output.Features * upstream).sum() + output.Tape.LogProbability().sum())

        testPropertyWithConfig config "terms after a fold's halt change nothing"
        <| fun (s: HaltingSizes) ->
            scoped
            <| fun () ->
                use graph = compiled s.Seed (foldOf s true Linear)
                let random = System.Random s.Seed
                let long = normal s.Seed [ batch; s.Steps + 3; inputs ]

                let choices = [|
                    for _ in 1..batch ->
                        [|
                            for step in 1 .. s.Steps + 3 ->
                                int64 (if step = s.Steps then s.Operators else random.Next(s.Operators + 1))
                        |]
                |]

                let of' (steps: int) =
                    for _, p in Slopes.parameters graph do
                        p.grad <- null

                    let given = choices |> Array.map (Array.truncate steps) |> asTensor
                    let output = graph.Forward(long.narrow (1, 0L, int64 steps), GivenSelector given)
                    let chosen = output.Tape.LogProbability()
                    (output.Features.sum () + chosen.sum ()).backward()
                    numbers output.Features, numbers chosen, gradients graph

                let features, chosen, slopes = of' s.Steps
                let features', chosen', slopes' = of' (s.Steps + 3)
                isNear features features' "what it gives"
                isNear chosen chosen' "log p(a|x)"

                for KeyValue(name, slope) in slopes do
                    isNear slope slopes'[name] name

        testCase "the exact likelihood counts a program that halts once"
        <| fun () ->
            scoped
            <| fun () ->
                let s = { Seed = 3; Registers = 2; Width = 2; Steps = 3; Arity = 1; Operators = 2 }

                // Whatever the choices, operators of zeros on registers of zeros give zeros.
                use graph = compiled 5 (programOf s s.Steps Linear)

                using (torch.no_grad ()) (fun _ ->
                    for name, p in Slopes.parameters graph do
                        if name.StartsWith "pools." then p.zero_ () |> ignore)

                let x = torch.zeros (2L, 4L, dtype = torch.ScalarType.Float64)
                let width = graph.Forward(x, ModeSelector()).Features.shape[1]
                let y = normal 4 [ 2; int width ]
                use streams = new RandomStreams 1L
                use exact = new ExactLikelihood(graph, new Dataset(x, y), GradientSettings(2L), streams)
                let expected = (graph.Head.LogLikelihood(torch.zeros_like y, y)).sum().ToDouble()
                Expect.floatClose Accuracy.high (exact.LogLikelihood [| 0L; 1L |]) expected "probabilities sum to 1"

        testCase "samples halt, and E-steps keep what follows a halt settled"
        <| fun () ->
            scoped
            <| fun () ->
                let s = { Seed = 3; Registers = 2; Width = 2; Steps = 4; Arity = 2; Operators = 2 }

                use graph = compiled 5 (programOf s s.Steps Linear)
                let x = normal 3 [ 40; 4 ]
                let y = normal 4 [ 40; int ((graph.Forward(x, ModeSelector())).Features.shape[1]) ]
                let settings = EmSettings(10, 2, 40L, 40L)
                use streams = new RandomStreams 1L
                use em = new ViterbiEm(graph, new Dataset(x, y), settings, streams)

                for _ in 1..30 do
                    em.Step()

                let held = graph.Forward(x, GivenSelector(em.Held [| for n in 0L .. 39L -> n |])).Tape
                let mutable halted = 0

                for row in 0..39 do
                    let choices = [
                        for entry in held.Entries -> int (entry.Selection.Indices[int64 row, 0L].ToInt64())
                    ]

                    let steps = choices |> List.chunkBySize 3

                    match steps |> List.tryFindIndex (fun step -> List.last step = s.Operators) with
                    | Some stop ->
                        halted <- halted + 1

                        for step in List.skip (stop + 1) steps do
                            Expect.equal step [ 0; 0; s.Operators ] "settled"
                    | None -> ()

                Expect.isGreaterThan halted 0 "some halt"
    ]
