/// Very many modules: a step costs what the modules in use cost, and gives what it would give without the others.
module ModNet.Tests.ManyModulesTests

open System
open System.Collections.Generic
open System.Linq
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet.Kernels
open ModNet.Runtime
open TorchSharp

/// Choices among M modules, below and above the number from which they are sorted in parts.
type Choices = { Modules: int; Indices: int64[] }

type private Cases =
    static member Choices() : Arbitrary<Choices> =
        gen {
            let! modules = Gen.elements [ 1; 7; 2_048; 2_049; 100_000; 4_194_305; 16_777_216 ]
            let! count = Gen.elements [ 0; 1; 5; 300 ]
            let! distinct = Gen.choose (1, 40)
            let! seed = Gen.choose (1, 1_000_000)
            let random = Random seed
            let among = Array.init distinct (fun _ -> random.NextInt64(int64 modules))
            return { Modules = modules; Indices = Array.init count (fun _ -> among[random.Next distinct]) }
        }
        |> Arb.fromGen

let private config = { FsCheckConfig.defaultConfig with maxTest = 200; arbitrary = [ typeof<Cases> ] }

let private width = 64
let private batch = 32

/// More weights than a span reaches, on pages that are not there before they are written.
let private manyDigits = [ 400; 350 ]
let private many = 140_000
let private fewDigits = [ 2; 4 ]

let private zeros (shape: int64 list) =
    use like = torch.empty(1L).expand(Array.ofList shape)
    new Modules.Parameter(ZeroPages.Like like)

/// A layer over M modules, of which those at `places` begin alike for any M and are the only ones that a* names; its M-steps, and these modules after them.
let private trained (digits: int list) (places: int64[]) (optimizer: OptimizerKind) (clip: Nullable<float>) steps =
    let modules = List.fold (*) 1 digits
    let weight = zeros [ int64 modules; int64 width; int64 width ]
    let bias = zeros [ int64 modules; int64 width ]
    let rows = torch.tensor places

    let fill (parameter: torch.Tensor) seed =
        use _ = torch.no_grad ()
        let shape = Array.append [| places.LongLength |] parameter.shape[1..]
        parameter.index_copy_ (0L, rows, torch.rand (shape, generator = generator seed) - 0.5) |> ignore

    fill weight 1
    fill bias 2
    let pool = new LinearPool("p", weight, bias, Activation.Relu)

    let layer =
        new ModularLayer(
            "modular1",
            new FactoredController(width, digits, 1, Initialiser(generator 7)),
            pool,
            Combine.Sum,
            Dispatch.Auto
        )

    let graph = new Graph([| layer :> Node |], new GaussianHead(0.3, false, Initialiser(generator 3)))

    let data =
        new Dataset(
            torch.rand ([| int64 batch; int64 width |], generator = generator 4),
            torch.rand ([| int64 batch; int64 width |], generator = generator 5)
        )

    use streams = new RandomStreams 6L

    let settings =
        EmSettings(
            2,
            1,
            int64 batch,
            int64 batch,
            Unselected = Unselected.Rest,
            Optimizer = optimizer,
            ClipNorm = clip,
            // Controllers of other M have other gradients, which would count in the norm.
            ControllerWeight = 0.0
        )

    use em = new ViterbiEm(graph, data, settings, streams)

    for n in 0 .. batch - 1 do
        em.Assignments.Set(int64 n, [| places[n % places.Length] |])

    for _ in 1..steps do
        em.MStep()

    graph, [ for p in [ weight; bias ] -> p.detach().index_select(0L, rows).bytes.ToArray() ]

[<Tests>]
let tests =
    testSequenced
    <| testList "many modules" [
        testPropertyWithConfig config "choices are sorted by module, in their own order within one, whatever M"
        <| fun (choices: Choices) ->
            let segments = ModularSegments(ReadOnlySpan choices.Indices, choices.Modules)

            let expected = choices.Indices |> Array.indexed |> Array.groupBy snd |> Array.sortBy fst

            Expect.equal segments.Modules (expected |> Array.map (fst >> int)) "modules in use"
            Expect.equal segments.Order (expected |> Array.collect (snd >> Array.map fst)) "order"

            Expect.equal
                segments.Starts
                (expected |> Array.map (snd >> Array.length) |> Array.scan (+) 0)
                "where segments start"

        testScoped "assignments hold a choice in three bytes where two do not suffice"
        <| fun () ->
            let modules = [| 3; 65_537; 16_777_216 |]
            let table = Assignments.Uniform(50L, modules, generator 1)
            Expect.isTrue (integers (table.ToTensor()) |> Array.exists (fun m -> m > 65_536)) "drawn from all"

            for n in 0..49 do
                table.Set(int64 n, [| int64 n % 3L; 65_536L - int64 n; 16_777_215L - int64 n * 300_000L |])

            let expected = [|
                for n in 0..49 do
                    n % 3
                    65_536 - n
                    16_777_215 - n * 300_000
            |]

            Expect.equal (integers (table.Get(ReadOnlySpan [| for n in 0..49 -> int64 n |]))) expected "read"
            let saved = table.ToTensor()
            Expect.equal saved.dtype torch.ScalarType.Int32 "type in a checkpoint"
            Expect.equal (integers saved) expected "in a checkpoint"

            Expect.throwsT<ArgumentOutOfRangeException>
                (fun () -> Assignments.Uniform(1L, [| 16_777_217 |], generator 1) |> ignore)
                "more than three bytes tell"

        for name, optimizer in
            [
                "Adam", (fun () -> AdamKind 1e-2 :> OptimizerKind)
                "AdamW", (fun () -> AdamWKind(1e-2, 0.1))
                "momentum", (fun () -> SgdKind(1e-2, 0.9))
            ] do
            testScoped $"modules beyond a span's reach are trained as the same ones alone are, to the last bit: {name}"
            <| fun () ->
                let places = [| for i in 0L .. 7L -> i * int64 (many / 8) + 5L |]
                let clip = Nullable 0.5
                let few, expected = trained fewDigits [| 0L .. 7L |] (optimizer ()) clip 4
                let large, actual = trained manyDigits places (optimizer ()) clip 4
                Expect.equal actual expected "rows"
                few.Dispose()
                large.Dispose()

        testScoped "what a step of 140,000 modules writes is what it uses"
        <| fun () ->
            let resident () = Diagnostics.Process.GetCurrentProcess().WorkingSet64
            let places = [| for i in 0L .. 7L -> i * int64 (many / 8) + 5L |]
            (fst (trained fewDigits [| 0L .. 7L |] (AdamKind 1e-2) (Nullable()) 1)).Dispose()
            let before = resident ()
            let graph, _ = trained manyDigits places (AdamKind 1e-2) (Nullable()) 2
            let grown = resident () - before
            graph.Dispose()
            // The weights alone are 2.3 GB, and so is each moment.
            Expect.isLessThan grown 200_000_000L "bytes"

        testScoped "zeros on pages are zeros, and can be written"
        <| fun () ->
            for count in [ 1; 1_000; 300_000; 1_000_001 ] do
                // Memory that held something before.
                for _ in 1..3 do
                    (torch.ones (int64 count) * 7.0.ToScalar()).Dispose()

                use like = torch.empty (int64 count)
                use pages = ZeroPages.Like like
                Expect.equal (pages.abs().sum().ToDouble()) 0.0 $"{count} zeros"
                pages.fill_ 2.0 |> ignore
                Expect.equal (pages.sum(torch.ScalarType.Float64).ToDouble()) (2.0 * float count) $"{count} twos"
    ]
