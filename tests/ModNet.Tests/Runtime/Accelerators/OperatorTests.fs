/// The operators that take several tensors: they compare devices, and what stands in for them on libtorch's device `meta` has their values and gradients.
module ModNet.Tests.OperatorTests

open System
open System.IO
open System.Text.RegularExpressions
open Expecto
open ModNet.Runtime
open ModNet.Tests.Clone
open ModNet.Tests.OnMeta
open TorchSharp

let private leaf seed shape = (normal seed shape).requires_grad_()

/// Values and all gradients of a stand-in are those of the operator, under a random upstream.
let private standsFor
    name
    (leaves: torch.Tensor list)
    (real: torch.Tensor list -> torch.Tensor)
    (standIn: torch.Tensor list -> torch.Tensor)
    =
    testScoped $"{name}: values and gradients of the stand-in are the operator's"
    <| fun () ->
        let run (operator: torch.Tensor list -> torch.Tensor) =
            let own = [ for l in leaves -> l.detach().clone().requires_grad_ l.requires_grad ]
            let y = operator own
            let upstream = normal 99 [ for n in y.shape -> int n ]
            if y.requires_grad then (y * upstream).sum().backward()

            y,
            [
                for l in own do
                    if l.requires_grad then Slopes.gradient l
            ]

        let expected, slopes = run real
        let got, found = run standIn
        Expect.equal (List.ofArray got.shape) (List.ofArray expected.shape) "shape"

        for e, a in (expected, got) :: List.zip slopes found do
            Expect.isLessThan (distance e a) 1e-9 "values"

let private zero = 0.0.ToScalar()

/// Two tensors for every operator: of one device, and of two.
let private mixed: (string * (torch.Tensor -> torch.Tensor -> unit)) list =
    let whole (t: torch.Tensor) = t.to_type torch.int64
    let flat (t: torch.Tensor) = (whole t).select(1L, 0L)
    let image (t: torch.Tensor) = t.view (1L, 1L, 3L, 3L)
    let ignored (t: torch.Tensor) = ignore t

    [
        "cat", (fun a b -> Operators.Join([| a; b |], 0L) |> ignored)
        "stack", (fun a b -> Operators.Stack([| a; b |], 0L) |> ignored)
        "index_select", (fun a b -> Operators.IndexSelect(a, 0L, flat b) |> ignored)
        "gather", (fun a b -> Operators.Gather(a, 0L, whole b) |> ignored)
        "scatter", (fun a b -> Operators.Scatter(a, 0L, whole b, b) |> ignored)
        "scatter of values", (fun a b -> Operators.Scatter(a, 0L, whole a, b) |> ignored)
        "index_add_", (fun a b -> Operators.AddAt(a, 0L, flat b, b) |> ignored)
        "index_copy_", (fun a b -> Operators.CopyAt(a, 0L, flat b, b) |> ignored)
        "index_fill_", (fun a b -> Operators.FillAt(a, 0L, flat b, 0.0) |> ignored)
        "masked_fill", (fun a b -> Operators.MaskedFill(a, b.gt zero, 0.0) |> ignored)
        "where", (fun a b -> Operators.Where(a.gt zero, a, b) |> ignored)
        "searchsorted", (fun a b -> Operators.SearchSorted(a, b) |> ignored)
        "lerp_", (fun a b -> Operators.MoveTowards(a, b, 0.5))
        "bincount", (fun a b -> Operators.Occurrences(flat a, b.select (1L, 0L), 3L) |> ignored)
        "linear", (fun a b -> Operators.Linear(a, b, null) |> ignored)
        "the bias of linear", (fun a b -> Operators.Linear(a, a, b.select (0L, 0L)) |> ignored)
        "bmm", (fun a b -> Operators.BatchedProduct(a.unsqueeze 0L, b.unsqueeze 0L) |> ignored)
        "mm", (fun a b -> Operators.Product(a, b) |> ignored)
        "conv2d", (fun a b -> Operators.Convolution(image a, image b, null, 1L, 1L, 1L) |> ignored)
        "conv_transpose2d", (fun a b -> Operators.TransposedConvolution(image a, image b, null, 1L, 0L) |> ignored)
        "conv1d", (fun a b -> Operators.SequenceConvolution(a.unsqueeze 0L, b.unsqueeze 0L, null, 1L) |> ignored)
        "layer_norm", (fun a b -> Operators.LayerNorm(a, [| 3L |], b.select (0L, 0L), null) |> ignored)
        "batch_norm",
        (fun a b ->
            let one (t: torch.Tensor) = t.select(0L, 0L).detach()
            Operators.BatchNorm(a, one a, one a, one b, one a, false, 0.1, 1e-5) |> ignored)
        "cross_entropy", (fun a b -> Operators.CrossEntropy(a, flat b) |> ignored)
    ]

/// What a step, an E-step and evaluation are made of.
let private folders = [
    "Controllers"
    "Dispatch"
    "EStep"
    "Graph"
    "Heads"
    "Methods"
    "Metrics"
    "Modular"
    "Nodes"
    "Pools"
    "Selection"
    "Steps"
    "Tensors"
]

let private sources =
    let runtime = Path.Combine(root, "src", "Runtime")

    [
        for folder in folders do
            yield! Directory.GetFiles(Path.Combine(runtime, folder), "*.cs")

        Path.Combine(runtime, "Data", "Weighting.cs")
        Path.Combine(runtime, "Structure", "UnitOutputs.cs")
    ]
    // Without comments, in which operators may be named.
    |> List.map (fun file -> Path.GetFileName file, Regex.Replace(File.ReadAllText file, @"//[^\n]*", ""))

/// Calls of operators that do not compare devices.
let private unchecked =
    @"(?<![\w.])(cat|stack|where|searchsorted|hstack|vstack|einsum)\(|\.(index_select|gather|scatter|scatter_add|scatter_|index_add_?|index_copy_?|index_fill_?|masked_fill_?|bmm|mm|mv|matmul|addmm|baddbmm|dot|lerp_?|bincount|take|put_|masked_scatter|index_put_|embedding)\(|functional\.(linear|conv\w*|cross_entropy|nll_loss|layer_norm|batch_norm|embedding|bilinear)\("

/// Reads of values.
let private reads =
    @"\.(ToDouble|ToSingle|ToInt64|ToInt32|ToBoolean|item<\w+>|cpu|data<\w+>)\(|\.bytes\b|TensorArrays\.|TensorSpans\.|(?<!\w)Floats\(|(?<!\w)Longs\(|(?<!\w)Pinned\("

/// Files that read what lies on the host anyway, and how they know that it does.
let private ofHost =
    Map [
        "TensorArrays.cs", "this is how values are read"
        "TensorSpans.cs", "this is how kernels see tensors"
        "FromDevice.cs", "all reads with a name"
        "LateNumbers.cs", "numbers of the CPU, else they wait"
        "ZeroPages.cs", "on the CPU alone"
        "Initialiser.cs", "a seed, drawn on the CPU"
        "Products.cs", "a kernel's call, on the CPU alone"
        "LinearNode.cs", "a kernel's weights, on the CPU alone"
        "ChoiceDistribution.cs", "a kernel's call, on the CPU alone"
        "FusedCrossEntropy.cs", "a kernel"
        "FusedModularConvolution.cs", "a kernel"
        "FusedModularLinear.cs", "a kernel"
        "FusedModularUnit.cs", "a kernel"
        "FusedModules.cs", "a kernel"
        "FusedModularGru.cs", "a kernel"
        "SpreadLinear.cs", "a kernel, or ranks"
        "AdamKind.cs", "a kernel's step"
        "SgdKind.cs", "a kernel's step"
        "FusedSteps.cs", "a kernel's step"
        "Minibatches.cs", "the order of datapoints, on the CPU, from a checkpoint"
        "DataTrack.cs", "the numbers of a minibatch's datapoints, drawn on the CPU"
        "StepTaker.cs", "a checkpoint's, on the CPU"
        "Assignments.cs", "drawn on the CPU, or a checkpoint's"
        "CandidateScoring.cs", "scores on the CPU, else they are read with a name"
        "Graph.cs", "compositions on the CPU, else they stay where they are"
        "ModularLayer.cs", "rows are shared on the CPU alone"
        "Route.cs", "values on the CPU alone"
        "EmbedColumnsNode.cs", "values on the CPU alone"
        "Finiteness.cs", "data on the CPU, steps on the CPU, and what an error says"
        "TrainingMethod.cs", "the loss that an error names"
        "TrainingMethod.Tasks.cs", "weights of datapoints, which lie on the host"
        "GradientNorm.cs", "on the CPU, and over ranks"
        "WeightFactors.cs", "what our kernels read, on the CPU"
        "GroupMinibatches.cs", "the order of groups"
        "FrozenRows.cs", "the rows of a sparse gradient, of modules that rest"
        "RestingModules.cs", "the rows of a sparse gradient, of modules that rest"
        "UnitOutputs.cs", "correlations of a trace"
        "Weighting.cs", "a dataset's weights, on the CPU"
    ]

[<Tests>]
let tests =
    testList "operators" [
        for name, call in mixed do
            testScoped $"{name} refuses tensors of two devices, on meta and on the CPU"
            <| fun () ->
                let square (device: torch.Device) = torch.zeros ([| 3L; 3L |], device = device)
                let cpu, meta = torch.CPU, OnMeta.device
                call (square cpu) (square cpu)
                call (square meta) (square meta)

                for first, second in [ cpu, meta; meta, cpu ] do
                    Expect.throwsC (fun () -> call (square first) (square second)) (fun error ->
                        Expect.isTrue (error :? InvalidOperationException) $"{error.GetType().Name}: {error.Message}"
                        Expect.stringContains error.Message "expected tensors of one device" "message")

        testCase "training calls no operator that does not compare devices but in Operators"
        <| fun () ->
            for file, text in sources do
                if file <> "Operators.cs" && file <> "MetaStandIns.cs" then
                    let own = [ for found in Regex.Matches(text, unchecked) -> found.Value ]
                    Expect.equal own [] $"{file}: call these through Operators"

        testCase "training reads values by FromDevice alone, but for what lies on the host"
        <| fun () ->
            let readers = [
                for file, text in sources do
                    if Regex.IsMatch(text, reads) then file
            ]

            Expect.equal
                (readers |> List.filter (fun file -> not (ofHost.ContainsKey file)))
                []
                "files that read values: give each read a Wait"

            Expect.equal
                [
                    for KeyValue(file, _) in ofHost do
                        if not (List.contains file readers) then file
                ]
                []
                "files that read nothing any more"

        standsFor "relu" [ leaf 1 [ 4; 3 ] ] (fun l -> torch.nn.functional.relu l[0]) (fun l -> MetaStandIns.Relu l[0])
        standsFor
            "hardswish"
            [ leaf 2 [ 40; 3 ] * 4.0.ToScalar() ]
            (fun l -> torch.nn.functional.hardswish l[0])
            (fun l -> MetaStandIns.Hardswish l[0])
        standsFor "abs" [ leaf 3 [ 4; 3 ] ] (fun l -> l[0].abs()) (fun l -> MetaStandIns.Magnitude l[0])
        standsFor "logsumexp" [ leaf 4 [ 4; 3 ] ] (fun l -> l[0].logsumexp 0L) (fun l ->
            MetaStandIns.LogSumExp(l[0], 0L))

        for dimension in [ 0L; 1L ] do
            let index () = torch.tensor [| 2L; 0L; 2L |]

            standsFor
                $"index_select of dimension {dimension}"
                [ leaf 5 [ 4; 3; 2 ] ]
                (fun l -> l[0].index_select(dimension, index ()))
                (fun l -> MetaStandIns.IndexSelect(l[0], dimension, index ()))

        standsFor
            "where"
            [ leaf 6 [ 4; 3 ]; leaf 7 [ 4; 3 ] ]
            (fun l -> torch.where (l[0].detach().gt zero, l[0], l[1]))
            (fun l -> MetaStandIns.Where(l[0].detach().gt zero, l[0], l[1]))

        standsFor
            "searchsorted"
            [ (normal 8 [ 4; 5 ]).abs().cumsum 1L; (normal 9 [ 4; 3 ]).abs() ]
            (fun l -> torch.searchsorted(l[0], l[1], right = true).to_type torch.float64)
            (fun l -> MetaStandIns.SearchSorted(l[0], l[1]).to_type torch.float64)

        for stride, padding, groups in [ 1L, 0L, 1L; 2L, 1L, 1L; 1L, 2L, 2L; 3L, 1L, 2L ] do
            standsFor
                $"conv2d with stride {stride}, padding {padding} and {groups} groups"
                [ leaf 12 [ 2; 4; 7; 6 ]; leaf 13 [ 6; 4 / int groups; 3; 3 ]; leaf 14 [ 6 ] ]
                (fun l ->
                    torch.nn.functional.conv2d (
                        l[0],
                        l[1],
                        l[2],
                        [| stride; stride |],
                        [| padding; padding |],
                        groups = groups
                    ))
                (fun l -> MetaStandIns.Convolution(l[0], l[1], l[2], stride, padding, groups))

        for stride, padding in [ 1L, 0L; 2L, 1L; 3L, 2L ] do
            standsFor
                $"conv_transpose2d with stride {stride} and padding {padding}"
                [ leaf 15 [ 2; 4; 5; 4 ]; leaf 16 [ 4; 3; 3; 3 ]; leaf 17 [ 3 ] ]
                (fun l ->
                    torch.nn.functional.conv_transpose2d (
                        l[0],
                        l[1],
                        l[2],
                        [| stride; stride |],
                        [| padding; padding |]
                    ))
                (fun l -> MetaStandIns.TransposedConvolution(l[0], l[1], l[2], stride, padding))

        for dilation in [ 1L; 2L ] do
            standsFor
                $"conv1d with dilation {dilation}"
                [ leaf 18 [ 2; 4; 9 ]; leaf 19 [ 5; 4; 3 ]; leaf 20 [ 5 ] ]
                (fun l -> torch.nn.functional.conv1d (l[0], l[1], l[2], dilation = dilation))
                (fun l -> MetaStandIns.SequenceConvolution(l[0], l[1], l[2], dilation))

        standsFor
            "layer_norm"
            [ leaf 21 [ 4; 3; 2 ]; leaf 22 [ 3; 2 ]; leaf 23 [ 3; 2 ] ]
            (fun l -> torch.nn.functional.layer_norm (l[0], [| 3L; 2L |], l[1], l[2]))
            (fun l -> MetaStandIns.LayerNorm(l[0], [| 3L; 2L |], l[1], l[2]))

        for training in [ true; false ] do
            for shape in [ [ 5; 3 ]; [ 5; 3; 2; 2 ] ] do
                // The running averages are added to the output, so that they are compared, too.
                let with'
                    (norm: torch.Tensor -> torch.Tensor -> torch.Tensor -> torch.Tensor -> torch.Tensor -> torch.Tensor)
                    (l: torch.Tensor list)
                    =
                    let mean, variance = (normal 27 [ 3 ]).detach(), (normal 28 [ 3 ]).square().add(1.0.ToScalar())
                    let y = norm l[0] mean variance l[1] l[2]
                    y + (mean.sum () + variance.sum ())

                standsFor
                    $"batch_norm of {shape}, training {training}"
                    [ leaf 24 shape; leaf 25 [ 3 ]; leaf 26 [ 3 ] ]
                    (with' (fun x m v w b ->
                        torch.nn.functional.batch_norm (x, m, v, w, b, training, momentum = 0.1, eps = 1e-5)))
                    (with' (fun x m v w b -> MetaStandIns.BatchNorm(x, m, v, w, b, training, 0.1, 1e-5)))

        testScoped "a mean moves on an accelerator as on the CPU"
        <| fun () ->
            let moved () =
                let mean = normal 10 [ 4; 3 ]
                Operators.MoveTowards(mean, normal 11 [ 4; 3 ], 0.3)
                mean

            Expect.isLessThan (distance (moved ()) (asAccelerator moved)) 1e-12 "means"

        testScoped "occurrences are counted on an accelerator as on the CPU"
        <| fun () ->
            let numbers, weights = (indices 3 5 20 1).view -1L, (normal 4 [ 20 ]).abs()

            for weights in [ null; weights ] do
                let counted = Operators.Occurrences(numbers, weights, 7L)
                let there = asAccelerator (fun () -> Operators.Occurrences(numbers, weights, 7L))
                Expect.equal there.dtype counted.dtype "dtype"
                Expect.isLessThan (distance counted there) 1e-12 "counts"
    ]
