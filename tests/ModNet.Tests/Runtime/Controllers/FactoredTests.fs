/// A factored controller against the table of logits, one for every module, that it stands for.
module ModNet.Tests.FactoredTests

open System
open Expecto
open ModNet.Runtime
open ModNet.Tests.Parts
open TorchSharp

let private inputs = 3

let private product (sizes: int list) = List.fold (*) 1 sizes

/// The digits of a module, the last one varying fastest.
let private digitsOf (sizes: int list) (m: int) =
    List.foldBack (fun size (rest, digits) -> rest / size, rest % size :: digits) sizes (m, []) |> snd

/// Logits [n, K·M] from those of digits [n, K·Σ sizes].
let private table (sizes: int list) (choose: int) (logits: torch.Tensor) =
    let starts = List.scan (+) 0 sizes
    let apart = logits.view (-1L, int64 choose, int64 (List.sum sizes))

    let ofDigit d =
        let places = [| for m in 0 .. product sizes - 1 -> int64 (starts[d] + (digitsOf sizes m)[d]) |]
        apart.index_select (2L, torch.tensor places)

    (List.map ofDigit [ 0 .. sizes.Length - 1 ] |> List.reduce (fun a b -> a + b)).flatten(1L)

/// A factored controller, and one with a logit for every module that is the same distribution of the same parameters.
let private both seed (sizes: int list) choose : Controller * Controller =
    let factored = new FactoredController(inputs, sizes, choose, doubles seed)

    let linear =
        torch.nn.Linear(int64 inputs, int64 (choose * List.sum sizes), dtype = Nullable torch.ScalarType.Float64)

    use _ = torch.no_grad ()
    linear.weight.copy_ (parameter factored "weight") |> ignore
    linear.bias.copy_ (parameter factored "bias") |> ignore

    let dense = {
        new torch.nn.Module<torch.Tensor, torch.Tensor>("table") with
            member _.forward x = table sizes choose (linear.call (x.flatten 1L))
    }

    dense.register_module ("linear", linear)
    factored, new CustomController(dense, choose, product sizes)

let private graphOf (controller: Controller) =
    let pool = new LinearPool("p", controller.Modules, inputs, 2, Activation.Tanh, true, doubles 5)
    let layer = new ModularLayer("modular1", controller, pool, Combine.Sum, Dispatch.Auto)
    new Graph([| layer :> Node |], new GaussianHead(0.3, false, doubles 6))

let private data () = new Dataset(normal 11 [ 12; inputs ], normal 12 [ 12; 2 ])

let private near (expected: torch.Tensor) (actual: torch.Tensor) what =
    Expect.equal actual.shape expected.shape $"{what}: shape"
    Expect.isLessThan (distance actual expected) 1e-10 what

let private bits (t: torch.Tensor) = t.contiguous().bytes.ToArray()

let private cases = [ [ 4 ], 2; [ 2; 3 ], 1; [ 3; 1; 2 ], 2; [ 2; 2; 2 ], 1; [ 5; 2 ], 3 ]

let private refused message (body: unit -> unit) = Expect.throwsC body (fun e -> Expect.equal e.Message message "")

[<Tests>]
let tests =
    testList "factored controllers" [
        for sizes, choose in cases do
            testScoped
                $"%A{sizes} for K = {choose} is the table of its logits: log p, mode, entropy, and every gradient"
            <| fun () ->
                let factored, dense = both 1 sizes choose
                let x = normal 2 [ 7; inputs ]
                let own, whole = factored.Distribution x, dense.Distribution x
                Expect.equal (own.Rows, own.Choose, own.Modules) (7L, choose, product sizes) "sizes"
                near whole.LogProbabilities own.LogProbabilities "log p of all modules"
                near (whole.Entropy()) (own.Entropy()) "entropy"
                near (whole.SumOfProbabilities()) (own.SumOfProbabilities()) "the sum over rows"
                Expect.equal (integers (own.Mode())) (integers (whole.Mode())) "mode"

                let chosen = indices 3 (product sizes) 7 choose
                near (whole.LogProbability chosen) (own.LogProbability chosen) "log p(a | x)"

                let x = x.requires_grad_ true

                Slopes.agree (("input", x) :: Slopes.parameters factored) (fun () ->
                    let own = factored.Distribution x
                    own.LogProbability(chosen).sum() + own.Entropy().sum())

            testScoped $"%A{sizes} for K = {choose} draws every module as often as its probability says"
            <| fun () ->
                let factored, _ = both 1 sizes choose
                let draws = 20_000
                let rows = (normal 2 [ 1; inputs ]).expand(draws, -1L)
                let own = factored.Distribution rows
                let p = own.LogProbabilities.exp().select(0L, 0L) |> matrix
                let drawn = own.Sample(generator 4)

                for k in 0 .. choose - 1 do
                    let seen = drawn.select(1L, k).bincount(null, product sizes) |> integers

                    for m in 0 .. product sizes - 1 do
                        let far = abs (float seen[m] / float draws - p[k].[m])

                        Expect.isLessThan far (5.0 * sqrt (p[k].[m] / float draws)) $"position {k}, module {m}"

            testScoped $"%A{sizes} for K = {choose}: repeated rows are as if each had been made by itself"
            <| fun () ->
                let factored, _ = both 1 sizes choose
                let x = normal 2 [ 4; inputs ]
                let once = factored.Distribution(x.repeat [| 3L; 1L |])
                let several = factored.Distribution(x).Tile 3
                Expect.equal several.Rows 12L "rows"
                let chosen = indices 3 (product sizes) 12 choose
                let uniforms = once.Uniforms(12L, generator 5)

                for name, ask in
                    [
                        "log p of all modules", (fun (d: ChoiceDistribution) -> d.LogProbabilities)
                        "log p(a | x)", (fun d -> d.LogProbability chosen)
                        "draws", (fun d -> d.SampleBy uniforms)
                        "mode", (fun d -> d.Mode())
                        "entropy", (fun d -> d.Entropy())
                        "the sum over rows", (fun d -> d.SumOfProbabilities())
                        "two positions beside each other, repeated alike",
                        (fun d ->
                            ChoiceDistribution.Join([ d; d ], 1L).LogProbability(torch.cat ([| chosen; chosen |], 1L)))
                        "two positions beside each other, one of them repeated",
                        (fun d ->
                            ChoiceDistribution
                                .Join([ d; once ], 1L)
                                .LogProbability(torch.cat ([| chosen; chosen |], 1L)))
                        "rows below each other", (fun d -> ChoiceDistribution.Join([ d; once ], 0L).Entropy())
                    ] do
                    near
                        ((ask once).to_type torch.ScalarType.Float64)
                        ((ask several).to_type torch.ScalarType.Float64)
                        name

            testScoped $"%A{sizes} for K = {choose}: the entropies of a batch are the table's"
            <| fun () ->
                let statistics (controller: Controller) =
                    let route = Route(ModeSelector())
                    let graph = graphOf controller
                    let layer = Seq.head graph.Nodes
                    layer.Forward(normal 2 [ 9; inputs ], route) |> ignore
                    let seen = SelectionStatistics()
                    seen.Add route.Tape
                    [ seen.SelectionEntropy; seen.BatchSelectionEntropy; seen.ModulesUsed; seen.EffectiveModules ]

                let factored, dense = both 1 sizes choose

                for a, e in List.zip (statistics factored) (statistics dense) do
                    Expect.floatClose Accuracy.veryHigh a e "a statistic"

            testScoped $"%A{sizes} for K = {choose}: full E-steps, M-steps, and exact steps go where the table's go"
            <| fun () ->
                let trained (controller: Controller) =
                    let graph = graphOf controller
                    use streams = new RandomStreams 3L
                    use em = new ViterbiEm(graph, data (), EmSettings(2, 3, 12L, 6L, 1e-2), streams)
                    let all = Array.init 12 int64

                    let held = [
                        for _ in 1..3 do
                            em.FullEStep all |> ignore

                            for _ in 1..3 do
                                em.MStep()

                            yield! integers (em.Held all)
                    ]

                    let loss = [
                        if float (product sizes) ** float choose <= 1000.0 then
                            use streams = new RandomStreams 4L

                            use exact = new ExactLikelihood(graph, data (), GradientSettings(6L, 1e-2), streams)

                            for _ in 1..3 do
                                exact.StepAndReport().Loss
                    ]

                    let pool = Seq.head graph.Pools
                    held, loss, pool, Seq.head (Seq.head graph.Nodes).Controllers

                let factored, dense = both 1 sizes choose
                let held, losses, pool, controller = trained factored
                let held', losses', pool', controller' = trained dense
                Expect.equal held held' "a*"

                for a, e in List.zip losses losses' do
                    Expect.floatClose Accuracy.high a e "loss"

                for name in [ "weight"; "bias" ] do
                    Expect.isLessThan (distance (parameter pool name) (parameter pool' name)) 1e-7 $"pool's {name}"

                    Expect.isLessThan
                        (distance (parameter controller name) (parameter controller' $"module.linear.{name}"))
                        1e-7
                        name

        testScoped "with one digit it is the linear controller, to the last bit of a run of EM"
        <| fun () ->
            let run (controller: Controller) =
                let graph = graphOf controller
                use streams = new RandomStreams 3L
                use em = new ViterbiEm(graph, data (), EmSettings(3, 2, 6L, 6L, 1e-2), streams)

                let reported = [
                    for _ in 1..6 do
                        let seen = em.StepAndReport()
                        seen.Loss, seen.Statistics.SelectionEntropy, seen.Statistics.BatchSelectionEntropy
                ]

                reported, integers (em.Held(Array.init 12 int64)), [ for p in graph.parameters () -> bits p ]

            Expect.equal
                (run (new FactoredController(inputs, [ 5 ], 2, doubles 2)))
                (run (new LinearController(inputs, 2, 5, doubles 2)))
                ""

        testScoped "one over a million modules makes no number for each of them"
        <| fun () ->
            let controller = new FactoredController(8, [ 32; 32; 32; 32 ], 1, new Initialiser(generator 1))

            Expect.equal controller.Modules 1_048_576 "M"
            // [B, M] would be 64 GiB.
            let distribution = controller.Distribution(torch.rand (16_384L, 8L))
            let drawn = distribution.Sample(generator 2)
            let last = distribution.Mode().max().ToInt64()
            Expect.isLessThan (drawn.max().ToInt64()) 1_048_576L "drawn"
            Expect.isLessThan last 1_048_576L "mode"
            Expect.isTrue (distribution.LogProbability(drawn).max().ToDouble() <= 0.0) "log p"
            Expect.isLessThan (distribution.Entropy().max().ToDouble()) (log 1_048_577.0) "entropy"

        testScoped "what needs a score of every module refuses it"
        <| fun () ->
            let graph () = graphOf (new FactoredController(inputs, [ 2; 3 ], 1, doubles 1))
            use streams = new RandomStreams 1L

            refused
                "modular1/controller: expected a controller that scores every module, for loss-free top-k, got a factored one, which scores digits – use Linear, Mlp, Conv or Task"
                (fun () -> new LossFreeTopK(graph (), data (), LossFreeTopKSettings 2, streams) |> ignore)

            refused
                "modular1/controller: expected a controller that ends in a linear map of its own, for noisy top-k, got FactoredController – use Linear, Mlp, Conv or Task"
                (fun () -> new NoisyTopK(graph (), data (), NoisyTopKSettings 2, streams) |> ignore)

            refused
                "modular1: expected a controller with a logit for every module to mask some, got a factored one – use a linear one"
                (fun () ->
                    let graph = graph ()
                    (Seq.head (Seq.head graph.Nodes).Controllers).Mask [ 1 ])

            refused "expected digits of sizes from 1 on, got [2, 0] – give one or more" (fun () ->
                new FactoredController(inputs, [ 2; 0 ], 1, doubles 1) |> ignore)
    ]
