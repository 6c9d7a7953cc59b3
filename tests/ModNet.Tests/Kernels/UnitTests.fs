/// The kernel of units of several stages against its definition in double precision, and against itself however the work is cut.
module ModNet.Tests.UnitTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet.Kernels
open TorchSharp

type Case = {
    Rows: int
    Modules: int
    Choose: int
    /// Modules below this number are chosen; those from it on are not.
    Reach: int
    Stages: UnitStage list
    Bias: bool
    Threads: int
    Lanes: int
    Seed: int
}

let private functions = List.ofArray (Enum.GetValues<UnitFunction>())

let private stagesOf (widths: int list) (kinds: int list) (drawn: UnitFunction list) =
    let rec next width widths kinds drawn =
        match kinds, widths, drawn with
        | kind :: kinds, out :: widths, f :: drawn ->
            let stage =
                match kind with
                // Two values that are all but equal would have a variance of all but nothing, which magnifies rounding.
                | 0 when width >= 8 -> UnitStage.Norm width
                | 1 -> UnitStage.Times width
                | 0
                | 2
                | 3 -> UnitStage.Each(width, f, 0.3f)
                | _ -> UnitStage.Linear(width, out)

            stage :: next stage.Outputs widths kinds drawn
        | _ -> []

    next widths.Head widths.Tail kinds drawn

type Cases =
    static member Case() =
        gen {
            let! rows = Gen.elements [ 0; 1; 2; 3; 5; 33; 150 ]
            let! stages = Gen.choose (1, 6)
            let! widths = Gen.listOfLength (stages + 1) (Gen.elements [ 2; 3; 5; 8; 16; 17; 40; 70 ])
            let! kinds = Gen.listOfLength stages (Gen.choose (0, 6))
            let! linear = Gen.choose (0, stages - 1)
            let! drawn = Gen.listOfLength stages (Gen.elements functions)
            let! modules = Gen.elements [ 1; 2; 5; 40 ]
            let! choose = Gen.elements [ 1; 1; 2; 3 ]
            let! reach = Gen.choose (1, modules)
            let! bias = Gen.elements [ true; false ]
            let! threads = Gen.choose (1, 4)
            let! lanes = Gen.elements [ 4; 8; 16 ]
            let! seed = Gen.choose (0, 1_000_000)

            return {
                Rows = rows
                Modules = modules
                Choose = choose
                Reach = reach
                Stages = stagesOf widths (List.updateAt linear 6 kinds) drawn
                Bias = bias
                Threads = threads
                Lanes = lanes
                Seed = seed
            }
        }
        |> Arb.fromGen

let private config = trying 150 typeof<Cases> (20261130UL, 1UL)

/// The arrays of a stage: a weight or a scale or factors, and a bias or a shift.
type private Arrays = { First: float32[]; Second: float32[] }

type private Data = { X: float32[]; Indices: int64[]; Arrays: Arrays list; Upstream: float32[] }

let private pinned (values: float32[]) =
    let result = GC.AllocateArray<float32>(values.Length, pinned = true)
    values.CopyTo(result, 0)
    result

// Results are filled with rubbish first, which must be overwritten.
let private rubbish length = pinned (Array.create length nanf)

let private inputs (case: Case) = case.Stages.Head.Inputs
let private outputs (case: Case) = (List.last case.Stages).Outputs
let private choices (case: Case) = case.Rows * case.Choose

let private lengths (case: Case) rows (stage: UnitStage) =
    match stage.Kind with
    | UnitStageKind.Linear -> rows * stage.Inputs * stage.Outputs, (if case.Bias then rows * stage.Outputs else 0)
    | UnitStageKind.Norm -> rows * stage.Outputs, rows * stage.Outputs
    | UnitStageKind.Factors -> choices case * stage.Outputs, 0
    | _ -> 0, 0

let private dataOf (case: Case) =
    let random = Random case.Seed
    let numbers length = pinned (Array.init length (fun _ -> random.NextSingle() * 2f - 1f))
    let factors length = pinned (Array.init length (fun _ -> if random.Next 3 = 0 then 0f else 1.5f))

    {
        X = numbers (case.Rows * inputs case)
        Indices = Array.init (choices case) (fun _ -> int64 (random.Next case.Reach))
        Arrays = [
            for stage in case.Stages do
                let first, second = lengths case case.Modules stage

                {
                    First = if stage.Kind = UnitStageKind.Factors then factors first else numbers first
                    Second = numbers second
                }
        ]
        Upstream = numbers (choices case * outputs case)
    }

let private fixedOf (arrays: Arrays list) : UnitArrays[] = [|
    for a in arrays -> UnitArrays(FixedFloats(Span a.First), FixedFloats(Span a.Second))
|]

let private size (case: Case) = ModularUnitSize(case.Rows, case.Modules, case.Choose, Array.ofList case.Stages)

/// Outputs, and what is kept, which is nothing where it is not wanted.
let private forward (case: Case) (data: Data) keeps =
    let output = rubbish (choices case * outputs case)
    let kept = if keeps then rubbish (int (ModularUnit.KeptLength(size case))) else [||]

    ModularUnit.Forward(
        size case,
        ReadOnlySpan data.X,
        ReadOnlySpan data.Indices,
        fixedOf data.Arrays,
        Span kept,
        Span output,
        Cores(case.Threads, case.Lanes)
    )

    output, kept

/// The gradient in x, and those of parameters with as many rows of modules.
let private backward (case: Case) (data: Data) (kept: float32[]) rows =
    let x = rubbish (case.Rows * inputs case)

    let gradients = [
        for stage in case.Stages do
            let first, second = lengths case rows stage
            { First = rubbish (if stage.Kind = UnitStageKind.Factors then 0 else first); Second = rubbish second }
    ]

    ModularUnit.Backward(
        size case,
        ReadOnlySpan data.Indices,
        fixedOf data.Arrays,
        ReadOnlySpan kept,
        ReadOnlySpan data.Upstream,
        Span x,
        fixedOf gradients,
        Cores(case.Threads, case.Lanes)
    )

    x, gradients

/// Where choices stand when they are sorted by module.
let private placeOf (data: Data) =
    let order = Array.init data.Indices.Length id |> Array.sortBy (fun j -> data.Indices[j], j)
    Array.init order.Length (fun j -> Array.findIndex ((=) j) order)

let private apply (stage: UnitStage) (z: torch.Tensor) =
    let setting = float stage.Setting

    match stage.Function with
    | UnitFunction.Relu -> torch.nn.functional.relu z
    | UnitFunction.LeakyRelu -> torch.nn.functional.leaky_relu (z, setting)
    | UnitFunction.Tanh -> z.tanh ()
    | UnitFunction.Sigmoid -> z.sigmoid ()
    | UnitFunction.Silu -> torch.nn.functional.silu z
    | UnitFunction.Gelu -> torch.nn.functional.gelu z
    | UnitFunction.Elu -> torch.nn.functional.elu (z, setting)
    | UnitFunction.Softplus -> torch.nn.functional.softplus z
    | UnitFunction.Hardswish -> torch.nn.functional.hardswish z
    | UnitFunction.Mish -> torch.nn.functional.mish z
    | other -> failwith $"no function {other}"

/// Where the slope of a function jumps: rounding decides which it has near there.
let private kinks (stage: UnitStage) =
    match stage.Kind, stage.Function with
    | UnitStageKind.Function, (UnitFunction.Relu | UnitFunction.LeakyRelu | UnitFunction.Elu) -> [ 0.0 ]
    | UnitStageKind.Function, UnitFunction.Hardswish -> [ -3.0; 3.0 ]
    | _ -> []

type private Expected = { Y: float[]; Dx: float[]; Gradients: (float[] * float[]) list; NearAKink: bool }

/// The definition: choice by choice, stage by stage, by autograd in double precision.
let private reference (case: Case) (data: Data) =
    use _scope = torch.NewDisposeScope()

    let leaf (values: float32[]) (shape: int list) =
        let shape = [| for n in shape -> int64 n |]
        torch.tensor(Array.map float values).view(shape).detach().requires_grad_ true

    let x = leaf data.X [ case.Rows; inputs case ]

    let parameters = [
        for stage, a in List.zip case.Stages data.Arrays do
            match stage.Kind with
            | UnitStageKind.Linear ->
                leaf a.First [ case.Modules; stage.Outputs; stage.Inputs ],
                (if case.Bias then Some(leaf a.Second [ case.Modules; stage.Outputs ]) else None)
            | UnitStageKind.Norm ->
                leaf a.First [ case.Modules; stage.Outputs ], Some(leaf a.Second [ case.Modules; stage.Outputs ])
            | UnitStageKind.Factors -> leaf a.First [ choices case; stage.Outputs ], None
            | _ -> leaf [||] [ 0 ], None
    ]

    let place = placeOf data
    let mutable nearAKink = false

    let outputs = [|
        for j in 0 .. choices case - 1 do
            let m = data.Indices[j]
            let mutable z = x.select (0L, int64 (j / case.Choose))

            for stage, (first, second) in List.zip case.Stages parameters do
                for kink in kinks stage do
                    nearAKink <- nearAKink || z.sub(kink.ToScalar()).abs().min().ToDouble() < 1e-5

                z <-
                    match stage.Kind with
                    | UnitStageKind.Linear ->
                        let products = first.select(0L, m).mv z
                        second |> Option.fold (fun sum bias -> sum + bias.select (0L, m)) products
                    | UnitStageKind.Norm ->
                        let apart = z - z.mean ()
                        let normal = apart / (apart.square().mean() + 1e-5.ToScalar()).sqrt()
                        normal * first.select (0L, m) + second.Value.select (0L, m)
                    | UnitStageKind.Factors -> z * first.select (0L, int64 place[j])
                    | _ -> apply stage z

            z
    |]

    if outputs.Length > 0 then
        let upstream = torch.tensor(Array.map float data.Upstream).view(int64 outputs.Length, -1L)
        (torch.stack outputs * upstream).sum().backward()

    let gradient (t: torch.Tensor) = numbers (Slopes.gradient t)

    {
        Y = outputs |> Array.collect (fun y -> numbers (y.detach ()))
        Dx = gradient x
        Gradients = [
            for stage, (first, second) in List.zip case.Stages parameters ->
                (if stage.Kind = UnitStageKind.Factors then [||] else gradient first),
                second |> Option.map gradient |> Option.defaultValue [||]
        ]
        NearAKink = nearAKink
    }

let private close what (expected: float[]) (actual: float32[]) =
    Expect.equal actual.Length expected.Length what
    // Rounding goes with the size of what is added up.
    let most = 1.0 + (expected |> Array.map abs |> Array.fold max 0.0)

    for i in 0 .. expected.Length - 1 do
        if not (abs (float actual[i] - expected[i]) < 2e-5 * most) then
            failtest $"{what}[{i}]: expected {expected[i]}, got {actual[i]}"

let private isDefinition (case: Case) =
    let data = dataOf case
    let output, kept = forward case data true
    let expected = reference case data
    close "output" expected.Y output

    if not expected.NearAKink then
        let x, gradients = backward case data kept case.Modules
        close "input gradient" expected.Dx x

        for s, ((first, second), actual) in List.indexed (List.zip expected.Gradients gradients) do
            close $"stage {s}, {case.Stages[s].Kind}" first actual.First
            close $"stage {s}, {case.Stages[s].Kind}, second" second actual.Second

let private inUse (case: Case) (data: Data) =
    ModularLinear.InUse(ReadOnlySpan data.Indices, case.Modules) |> Array.map int

/// The rows of these modules.
let private rowsOf modules (all: 'a[]) count =
    let width = all.Length / count
    modules |> Array.collect (fun m -> Array.sub all (m * width) width)

[<Tests>]
let tests =
    testList "modular unit kernel" [
        testPropertyWithConfig config "is its definition, in outputs and every gradient" isDefinition

        testPropertyWithConfig config "keeps nothing where no gradient is wanted, and gives the same bits"
        <| fun (case: Case) ->
            let data = dataOf case
            Expect.equal (fst (forward case data false)) (fst (forward case data true)) "output"

        testPropertyWithConfig config "gives gradients of the modules in use alone, where so many are asked for"
        <| fun (case: Case) ->
            let data = dataOf case
            let _, kept = forward case data true
            let x, dense = backward case data kept case.Modules
            let used = inUse case data
            let compactX, compact = backward case data kept used.Length
            Expect.equal compactX x "input gradient"

            for all, some in List.zip dense compact do
                Expect.equal some.First (rowsOf used all.First case.Modules) "first"
                Expect.equal some.Second (rowsOf used all.Second case.Modules) "second"

        testPropertyWithConfig config "modules that nothing chose get exactly zero"
        <| fun (case: Case) ->
            let data = dataOf case
            let _, gradients = backward case data (snd (forward case data true)) case.Modules
            let idle = [| 0 .. case.Modules - 1 |] |> Array.except (inUse case data)

            for all in gradients do
                Expect.all (rowsOf idle all.First case.Modules) ((=) 0f) "first"
                Expect.all (rowsOf idle all.Second case.Modules) ((=) 0f) "second"

        testPropertyWithConfig config "gives the same bits on any number of threads"
        <| fun (case: Case) ->
            let data = dataOf case
            let once = { case with Threads = 1 }
            let output, kept = forward once data true
            let alone = backward once data kept case.Modules

            for threads in [ 2; 3; 4 ] do
                let case = { case with Threads = threads }
                let again, keptAgain = forward case data true
                Expect.equal again output "output"
                Expect.equal (backward case data keptAgain case.Modules) alone "gradients"

        testPropertyWithConfig config "a row's output and gradient are the same bits whichever rows are beside it"
        <| fun (case: Case) ->
            // Factors belong to places among sorted choices, which differ.
            let case = { case with Stages = case.Stages |> List.filter (fun s -> s.Kind <> UnitStageKind.Factors) }

            let data = dataOf case
            let output, kept = forward case data true
            let x, _ = backward case data kept case.Modules

            for b in [ 0; case.Rows / 2; case.Rows - 1 ] |> List.filter (fun b -> b >= 0 && b < case.Rows) do
                let part (all: 'a[]) =
                    let width = all.Length / case.Rows
                    Array.sub all (b * width) width

                let alone = { case with Rows = 1 }

                let one = { data with X = part data.X; Indices = part data.Indices; Upstream = part data.Upstream }

                let ownOutput, ownKept = forward alone one true
                Expect.equal ownOutput (part output) "output"
                Expect.equal (fst (backward alone one ownKept case.Modules)) (part x) "gradient"

        testCase "a large layer is shared among threads, and is its definition on one and on four"
        <| fun () ->
            for lanes in [ 4; 8; 16 ] do
                let case = {
                    Rows = 200
                    Modules = 5
                    Choose = 2
                    Reach = 4
                    Stages = [
                        UnitStage.Norm 67
                        UnitStage.Linear(67, 130)
                        UnitStage.Each(130, UnitFunction.Gelu)
                        UnitStage.Times 130
                        UnitStage.Linear(130, 48)
                    ]
                    Bias = true
                    Threads = 4
                    Lanes = lanes
                    Seed = lanes
                }

                isDefinition case
                let data = dataOf case
                let output, kept = forward case data true
                let alone = { case with Threads = 1 }
                let own, ownKept = forward alone data true
                Expect.equal own output "one thread"

                Expect.equal
                    (backward alone data ownKept case.Modules)
                    (backward case data kept case.Modules)
                    "one thread's gradients"

        testCase "functions are right far out, keep their limits, and pass NaN on"
        <| fun () ->
            for f in functions do
                let width = 32

                let x =
                    [| for i in 0 .. width - 1 -> float32 (i - 16) * 7.3f |]
                    |> Array.mapi (fun i v ->
                        match i with
                        | 0 -> 0f
                        | 1 -> 1e-4f
                        | 2 -> nanf
                        | 3 -> infinityf
                        | _ -> v)

                let stage = UnitStage.Each(width, f, 0.3f)

                let case = {
                    Rows = 1
                    Modules = 1
                    Choose = 1
                    Reach = 1
                    Stages = [ stage; UnitStage.Linear(width, width) ]
                    Bias = false
                    Threads = 1
                    Lanes = 16
                    Seed = 1
                }

                for lanes in [ 4; 8; 16 ] do
                    // Each value by itself: the weight is a unit vector.
                    for i in 0 .. width - 1 do
                        let values = Array.create width 0.5f
                        values[i] <- x[i]
                        let weight = Array.zeroCreate (width * width)
                        weight[i * width + i] <- 1f

                        let data = {
                            dataOf case with
                                X = pinned values
                                Arrays = [ { First = [||]; Second = [||] }; { First = pinned weight; Second = [||] } ]
                        }

                        let output, _ = forward { case with Lanes = lanes } data false

                        let expected =
                            use _scope = torch.NewDisposeScope()
                            (apply stage (torch.tensor [| float x[i] |])).ToDouble()

                        if Double.IsNaN expected then
                            Expect.isTrue (Single.IsNaN output[i]) $"{f} of {x[i]}"
                        elif Double.IsInfinity expected then
                            Expect.isFalse (Single.IsFinite output[i]) $"{f} of {x[i]}"
                        else
                            let apart = abs (float output[i] - expected)
                            Expect.isLessThan apart (1e-6 * abs expected + 2e-7) $"{f} of {x[i]}"

        testCase "NaN stays with its row, also where rows are padded"
        <| fun () ->
            let case = {
                Rows = 5
                Modules = 3
                Choose = 1
                Reach = 3
                Stages = [
                    UnitStage.Linear(20, 7)
                    UnitStage.Norm 7
                    UnitStage.Each(7, UnitFunction.Sigmoid)
                    UnitStage.Linear(7, 6)
                ]
                Bias = true
                Threads = 1
                Lanes = 16
                Seed = 3
            }

            let data = dataOf case
            data.X[2 * 20 + 7] <- nanf
            let rows = forward case data false |> fst |> Array.chunkBySize 6
            Expect.isTrue (Array.forall Single.IsNaN rows[2]) "the row"
            Expect.isTrue (rows |> Array.removeAt 2 |> Array.concat |> Array.forall Single.IsFinite) "the others"

        testCase "what does not fit is named"
        <| fun () ->
            let case = {
                Rows = 2
                Modules = 5
                Choose = 1
                Reach = 5
                Stages = [ UnitStage.Linear(3, 4); UnitStage.Norm 4 ]
                Bias = true
                Threads = 1
                Lanes = 4
                Seed = 1
            }

            let data = dataOf case

            let fails (text: string) (body: unit -> 'a) =
                Expect.throwsC (fun () -> body () |> ignore) (fun e -> Expect.stringContains e.Message text "message")

            fails "indices: expected modules 0 to 4 (M = 5), got 5 at 1" (fun () ->
                forward case { data with Indices = [| 0L; 5L |] } true)

            fails "x: expected [B, in] = 6 numbers, got 1" (fun () -> forward case { data with X = [| 1f |] } true)

            fails "arrays[1]: expected [M, …] = 20 numbers, got 0" (fun () ->
                forward case { data with Arrays = [ data.Arrays[0]; { First = [||]; Second = [||] } ] } true)

            fails "stage 1, in: expected the stage before's out = 4 numbers, got 5" (fun () ->
                forward { case with Stages = [ UnitStage.Linear(3, 4); UnitStage.Norm 5 ] } data true)

            fails "linear stages: expected at least 1, got 0" (fun () ->
                forward { case with Stages = [ UnitStage.Norm 3 ] } data true)

            fails "gradients[0]: expected [M or U, …]" (fun () -> backward case data (snd (forward case data true)) 7)
    ]
