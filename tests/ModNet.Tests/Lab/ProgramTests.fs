/// Programs of modules: held against an interpreter on plain arrays.
module ModNet.Tests.ProgramTests

open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Runtime
open ModNet.Tests.Parts
open TorchSharp

/// Sizes of a program, and the seed of its input and layout.
type ProgramSizes = {
    Seed: int
    Registers: int
    Width: int
    Steps: int
    Arity: int
    Operators: int
    Question: int
    All: bool
}

type Arbitraries =
    static member ProgramSizes() =
        gen {
            let! seed = Gen.choose (1, 1_000_000)
            let! registers = Gen.choose (1, 3)
            let! width = Gen.choose (1, 3)
            let! steps = Gen.choose (1, 4)
            let! arity = Gen.choose (1, 2)
            let! operators = Gen.choose (1, 3)
            let! question = Gen.choose (0, 2)
            let! all = Gen.elements [ true; false ]

            return {
                Seed = seed
                Registers = registers
                Width = width
                Steps = steps
                Arity = arity
                Operators = operators
                Question = question
                All = all
            }
        }
        |> Arb.fromGen

let private config = { FsCheckConfig.defaultConfig with maxTest = 40; arbitrary = [ typeof<Arbitraries> ] }

let private operators s =
    pool "operators" {
        modules s.Operators
        unit (linear s.Width |> tanh)
    }

let private solve s form =
    if s.All then
        program "solve" {
            registers s.Registers
            width s.Width
            steps s.Steps
            from (operators s)
            arity s.Arity
            question s.Question
            controller form
            all_registers
        }
    else
        program "solve" {
            registers s.Registers
            width s.Width
            steps s.Steps
            from (operators s)
            arity s.Arity
            question s.Question
            controller form
        }

let private networkOf s form =
    network "n" {
        features (s.Registers * s.Width + s.Question)
        solve s form
        gaussian (variance 0.5)
    }

/// A layout for every datapoint: of each step its operands, then its operator.
let private layouts s (batch: int) =
    let random = System.Random s.Seed

    Array.init batch (fun _ -> [|
        for step in 0 .. s.Steps - 1 do
            for _ in 1 .. s.Arity do
                int64 (random.Next(s.Registers + step))

            int64 (random.Next s.Operators)
    |])

/// What a layout gives for a datapoint, one step after the other.
let private interpret s (weight: float[][][]) (bias: float[][]) (x: float[]) (layout: int64[]) =
    let start = [ for register in 0 .. s.Registers - 1 -> x[register * s.Width .. (register + 1) * s.Width - 1] ]

    let step registers index =
        let own = layout[index * (s.Arity + 1) .. index * (s.Arity + 1) + s.Arity]
        let operands = own[.. s.Arity - 1] |> Array.collect (fun at -> List.item (int at) registers)
        let operator = int own[s.Arity]

        let result = [|
            for row in 0 .. s.Width - 1 ->
                tanh (bias[operator].[row] + Seq.sum (Seq.map2 (*) weight[operator].[row] operands))
        |]

        result :: registers

    let registers = List.fold step start [ 0 .. s.Steps - 1 ]

    if s.All then Array.append (Array.concat registers) x[s.Registers * s.Width ..] else List.head registers

let private parameterOf (graph: Graph) name = Parts.parameter graph $"pools.operators.{name}"

let private doublesOf (graph: Graph) = graph.``to`` (torch.ScalarType.Float64) |> ignore

/// The features of a program under these layouts, given by a selector or by the data.
let private through s form (layout: torch.Tensor) (x: torch.Tensor) (use': Graph -> torch.Tensor -> unit) =
    use graph = compile s.Seed (networkOf s form)
    doublesOf graph

    let run (x: torch.Tensor) =
        match form with
        | Given -> graph.Forward(x, ModeSelector(), SideInputs(null, layout)).Features
        | _ -> graph.Forward(x, GivenSelector layout).Features

    use' graph (run x)

    if x.requires_grad then
        let upstream = normal 77 [ for n in (run x).shape -> int n ]

        let leaves =
            ("input", x) :: (Slopes.parameters graph |> List.filter (fun (name, _) -> name.StartsWith "pools."))

        Slopes.agree leaves (fun () -> (run x * upstream).sum())

let private batch = 3

let private asTensor (layouts: int64[][]) = torch.tensor(Array.concat layouts).view(int64 layouts.Length, -1L)

[<Tests>]
let tests =
    testList "programs" [
        for form in [ Linear; Given ] do
            testPropertyWithConfig config $"give what an interpreter gives, forward and backward, by {form}"
            <| fun (s: ProgramSizes) ->
                scoped
                <| fun () ->
                    let x = normal s.Seed [ batch; s.Registers * s.Width + s.Question ]
                    let layouts = layouts s batch

                    through s form (asTensor layouts) (x.requires_grad_ true) (fun graph features ->
                        let weight, bias = cube (parameterOf graph "weight"), matrix (parameterOf graph "bias")

                        let expected =
                            Array.map2 (interpret s weight bias) (matrix (x.detach ())) layouts |> Array.concat

                        for a, e in Array.zip (numbers features) expected do
                            Expect.isLessThan (abs (a - e)) 1e-12 "values")

        testPropertyWithConfig config "steps that do not read each other commute"
        <| fun (s: ProgramSizes) ->
            scoped
            <| fun () ->
                // Two steps that read the input alone, and a third that reads both.
                let s = { s with Steps = 3; Arity = 2; All = false }
                let random = System.Random s.Seed
                let operand shift = int64 (shift + random.Next s.Registers)
                let a, b, a', b' = operand 0, operand 0, operand 0, operand 0
                let f, g, h = random.Next s.Operators, random.Next s.Operators, random.Next s.Operators

                // Registers are counted from the newest, so the second step's are one further.
                let first = [| a; b; int64 f; a' + 1L; b' + 1L; int64 g; 1L; 0L; int64 h |]
                let second = [| a'; b'; int64 g; a + 1L; b + 1L; int64 f; 0L; 1L; int64 h |]
                let x = normal s.Seed [ 2; s.Registers * s.Width + s.Question ]
                let mutable both = []

                for layout in [ first; second ] do
                    through s Linear (asTensor [| layout; layout |]) x (fun _ features ->
                        both <- numbers features :: both)

                Expect.equal both[0] both[1] "either order"

        testPropertyWithConfig config "the question reaches the controllers, and no operator"
        <| fun (s: ProgramSizes) ->
            scoped
            <| fun () ->
                let s = { s with Question = 2; All = false; Steps = 2; Operators = 3 }
                let x = normal s.Seed [ batch; s.Registers * s.Width + s.Question ]
                let other = x.clone ()
                other.narrow(1L, int64 (s.Registers * s.Width), 2L).add_(3.0f.ToScalar()) |> ignore
                use graph = compile s.Seed (networkOf s Linear)
                doublesOf graph
                let layout = asTensor (layouts s batch)
                let of' (x: torch.Tensor) = graph.Forward(x, GivenSelector layout)
                Expect.equal (numbers (of' x).Features) (numbers (of' other).Features) "what is computed"

                Expect.notEqual
                    (numbers ((of' x).Tape.LogProbability()))
                    (numbers ((of' other).Tape.LogProbability()))
                    "what is chosen"

        testCase "a program trains by EM, and its layout is its composition"
        <| fun () ->
            let s = {
                Seed = 3
                Registers = 2
                Width = 2
                Steps = 2
                Arity = 2
                Operators = 2
                Question = 0
                All = false
            }

            use graph = compile 1 (networkOf s Linear)
            let x = torch.randn (4L, 4L)
            let tape = graph.Forward(x, ModeSelector()).Tape
            Expect.equal tape.Choices (s.Steps * (s.Arity + 1)) "choices"
            Expect.equal [ for entry in tape.Entries -> entry.Site.Modules ] [ 2; 2; 2; 3; 3; 2 ] "M of every site"

        testCase "operators of another width than the registers' are refused"
        <| fun () ->
            let narrow =
                pool "narrow" {
                    modules 2
                    unit (linear 3)
                }

            let wrong =
                network "n" {
                    features 4

                    program "solve" {
                        registers 2
                        width 2
                        steps 2
                        from narrow
                        arity 2
                    }

                    softmax 2
                }

            let diagnostics = Expect.wantError (check wrong) "refused"

            Expect.equal
                [ for diagnostic in diagnostics -> diagnostic.Fault, diagnostic.Place ]
                [ Fault.PoolSignatures, "n/solve/modular1/from" ]
                "where"
    ]
