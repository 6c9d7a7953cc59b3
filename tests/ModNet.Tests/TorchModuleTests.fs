/// Modules: what they hold, their state, and the layers' values.
module ModNet.Tests.TorchModuleTests

open System
open System.Collections.Generic
open Expecto
open ModNet.Tests.TorchSupport
open TorchSharp
open type TorchSharp.torch
open FSharp.Core.Operators

/// Its fields are registered by reflection.
type Net() as this =
    inherit nn.Module<Tensor, Tensor>("Net")
    let first = nn.Linear(3L, 4L)
    let scale = nn.Parameter(ones 4L)
    let shift = zeros 4L
    do this.RegisterComponents()
    override _.forward x = first.call x * scale + shift

let private names (pairs: seq<struct (string * 'a)>) = [ for struct (name, _) in pairs -> name ]

let private structure =
    testList "structure" [
        testCase "fields are registered under their names" (fun () ->
            use net = new Net()
            Expect.equal (names (net.named_parameters ())) [ "scale"; "first.weight"; "first.bias" ] "parameters"
            Expect.equal (names (net.named_buffers ())) [ "shift" ] "buffers"
            Expect.equal (names (net.named_children ())) [ "first" ] "children"
            Expect.equal (names (net.named_parameters false)) [ "scale" ] "not recursively"

            Expect.equal
                (List.sort (List.ofSeq (net.state_dict().Keys)))
                [ "first.bias"; "first.weight"; "scale"; "shift" ]
                "state")

        testCase "registering twice is refused" (fun () ->
            use net = new Net()
            use other = nn.Linear(1L, 1L)

            Expect.throwsT<InvalidOperationException>
                (fun () -> net.register_parameter ("scale", nn.Parameter(ones 1L)))
                "parameter"

            Expect.throwsT<InvalidOperationException> (fun () -> net.register_module ("first", other)) "module"
            Expect.throwsT<ArgumentException> (fun () -> net.register_module ("a.b", other)) "dotted name")

        testCase "disposing a module frees its parameters" (fun () ->
            let before = Tensor.TotalCount
            (new Net()).Dispose()
            Expect.equal Tensor.TotalCount before "count")

        testCase "parameters outlive the scope that they were made in" (fun () ->
            let net =
                use scope = NewDisposeScope()
                new Net()

            Expect.isFalse (Seq.exists (fun (p: Tensor) -> p.IsInvalid) (net.state_dict().Values)) "alive"
            net.Dispose())

        scoped "training and evaluation reach the children" (fun () ->
            use net = nn.Sequential(nn.Linear(2L, 2L), nn.Dropout 0.5)
            net.eval ()
            Expect.isFalse (net.children () |> Seq.exists _.training) "evaluation"
            let x = randn (4L, 2L)
            closeTo (values (net.call x)) (values (net.call x)) "no dropout"
            net.train ()
            Expect.isTrue (net.children () |> Seq.forall _.training) "training")

        scoped "hooks run around forward" (fun () ->
            use net = nn.Linear(2L, 2L)
            let seen = List<string>()

            let before =
                net.register_forward_pre_hook (fun _ input ->
                    seen.Add "before"
                    input)

            net.register_forward_hook (fun _ _ output ->
                seen.Add "after"
                output)
            |> ignore

            net.call (zeros (1L, 2L)) |> ignore
            before.remove ()
            net.call (zeros (1L, 2L)) |> ignore
            Expect.equal (List.ofSeq seen) [ "before"; "after"; "after" ] "order")
    ]

let private state =
    testList "state" [
        scoped "goes round through a dictionary" (fun () ->
            use a = new Net()
            use b = new Net()
            let struct (missing, unexpected) = b.load_state_dict (a.state_dict ())
            Expect.equal (missing.Count, unexpected.Count) (0, 0) "all keys met"

            for KeyValue(key, tensor) in a.state_dict () do
                Expect.equal (values (b.state_dict().[key])) (values tensor) key

            let x = randn (2L, 3L)
            closeTo (values (b.call x)) (values (a.call x)) "same function")

        scoped "names must agree, unless told otherwise" (fun () ->
            use net = new Net()
            let source = Dictionary<string, Tensor>()
            source.Add("elsewhere", zeros 1L)
            let _, message = messageOf (fun () -> net.load_state_dict source |> ignore)
            Expect.stringContains message "elsewhere" "the message"
            let struct (missing, unexpected) = net.load_state_dict (source, strict = false)
            Expect.equal (missing.Count, List.ofSeq unexpected) (4, [ "elsewhere" ]) "both lists")

        scoped "conversion keeps the parameters' identity" (fun () ->
            use net = new Net()
            let before = net.parameters () |> Seq.map _.Handle |> Seq.toList
            net.call(randn (2L, 3L)).sum().backward()
            net.``to`` float64 |> ignore
            Expect.equal (net.parameters () |> Seq.map _.Handle |> Seq.toList) before "handles"
            Expect.isTrue (net.parameters () |> Seq.forall (fun p -> p.dtype = float64 && p.requires_grad)) "type"
            net.call(randn (2L, 3L, dtype = float64)).sum().backward()
            Expect.isTrue (net.parameters () |> Seq.forall (fun p -> p.grad.dtype = float64)) "gradients too")

        scoped "gradients are dropped or zeroed" (fun () ->
            use net = nn.Linear(2L, 1L)
            net.call(ones (1L, 2L)).sum().backward()
            net.zero_grad (set_to_none = false)
            closeTo (values net.weight.grad) [ 0.0; 0.0 ] "zeroed"
            net.zero_grad ()
            Expect.isNull net.weight.grad "dropped")
    ]

let private layers =
    testList "layers" [
        scoped "linear" (fun () ->
            use layer = nn.Linear(2L, 3L, dtype = Nullable float64)
            let x = uniform 1 [ 5L; 2L ] -1.0 1.0
            let w, b, v = values layer.weight, values layer.bias, values x

            let expected = [
                for i in 0..4 do
                    for o in 0..2 -> v[2 * i] * w[2 * o] + v[2 * i + 1] * w[2 * o + 1] + b[o]
            ]

            closeTo (values (layer.call x)) expected "x·Wᵀ + b")

        scoped "initialisation is PyTorch's: within 1/√fan" (fun () ->
            use layer = nn.Linear(25L, 200L)
            let bound = 1.0 / 5.0
            Expect.isTrue (values layer.weight |> Array.forall (fun w -> abs w <= bound)) "weight within"
            Expect.isGreaterThan (values layer.weight |> Array.map abs |> Array.max) (0.98 * bound) "weight fills"
            Expect.isTrue (values layer.bias |> Array.forall (fun w -> abs w <= bound)) "bias within")

        scoped "embedding" (fun () ->
            use table = nn.Embedding(4L, 2L, padding_idx = 0L)
            let rows = values table.weight

            closeTo (values (table.call (tensor [| 3L; 0L |]))) [ rows[6]; rows[7]; 0.0; 0.0 ] "rows 3 and 0")

        scoped "convolution of ones counts" (fun () ->
            let y = nn.functional.conv2d (ones (1L, 1L, 3L, 3L), ones (1L, 1L, 2L, 2L))
            closeTo (values y) [ 4.0; 4.0; 4.0; 4.0 ] "conv2d"
            use layer = nn.Conv2d(1L, 2L, 3L, padding = 1L)
            Expect.equal (layer.call (ones (1L, 1L, 5L, 5L))).shape [| 1L; 2L; 5L; 5L |] "module")

        scoped "pooling" (fun () ->
            let x = (matrix 4 4 [ 1.0 .. 16.0 ]).reshape(1L, 1L, 4L, 4L)
            closeTo (values (nn.MaxPool2d(2L).call x)) [ 6.0; 8.0; 14.0; 16.0 ] "max"
            closeTo (values (nn.AvgPool2d(2L).call x)) [ 3.5; 5.5; 11.5; 13.5 ] "mean")

        scoped "batch normalisation" (fun () ->
            use layer = nn.BatchNorm1d(2L)
            let x = randn (64L, 2L) * Scalar.op_Implicit 3.0 + Scalar.op_Implicit 5.0
            close 1e-5 (values (layer.call(x).mean [| 0L |])) [ 0.0; 0.0 ] "training centres"
            close 1e-5 (values layer.running_mean) (values (x.mean ([| 0L |]) * Scalar.op_Implicit 0.1)) "running mean"
            layer.eval ()
            Expect.notEqual (values (layer.call x)) (values x) "evaluation uses the running ones")

        scoped "losses" (fun () ->
            let logits, target =
                matrix 2 3 [ 1.0; 2.0; 3.0; 1.0; 1.0; 1.0 ], tensor [| 2L; 0L |]

            let row (a: float list) at = log (List.sumBy exp a) - a[at]
            let each = [ row [ 1.0; 2.0; 3.0 ] 2; log 3.0 ]
            closeTo (values (nn.functional.cross_entropy (logits, target))) [ List.average each ] "mean"

            closeTo
                (values (nn.functional.cross_entropy (logits, target, reduction = nn.Reduction.None)))
                each
                "per row"

            closeTo (values (nn.functional.nll_loss (logits.log_softmax 1L, target))) [ List.average each ] "nll"
            closeTo (values (nn.functional.mse_loss (doubles [ 1.0; 3.0 ], doubles [ 0.0; 1.0 ]))) [ 2.5 ] "mse"

            closeTo
                (values (nn.functional.binary_cross_entropy_with_logits (doubles [ 0.0 ], doubles [ 1.0 ])))
                [ log 2.0 ]
                "bernoulli")

        scoped "dropout keeps the mean" (fun () ->
            manual_seed 1L |> ignore
            let y = values (nn.functional.dropout (ones [| 20000L |], 0.25))
            Expect.floatClose { absolute = 0.02; relative = 0.0 } (Array.average y) 1.0 "mean"
            Expect.isTrue (y |> Array.forall (fun v -> v = 0.0 || abs (v - 4.0 / 3.0) < 1e-6)) "two values")

        scoped "a list of modules" (fun () ->
            use list =
                nn.ModuleList<nn.Module<Tensor, Tensor>>(nn.Linear(1L, 1L), nn.Linear(1L, 1L))

            Expect.equal
                (names (list.named_parameters ()))
                [ "0.weight"; "0.bias"; "1.weight"; "1.bias" ]
                "positions are names")
    ]

let private initialisers =
    testList "initialisers" [
        scoped "fans" (fun () ->
            let struct (fanIn, fanOut) = nn.init.CalculateFanInAndFanOut(zeros (4L, 3L, 2L, 2L))
            Expect.equal (fanIn, fanOut) (12L, 16L) "conv"

            Expect.throwsT<ArgumentException>
                (fun () -> nn.init.CalculateFanInAndFanOut(zeros 3L) |> ignore)
                "one dimension")

        scoped "bounds" (fun () ->
            use generator = new Generator(3UL)
            let largest (t: Tensor) = t.abs().max().ToDouble()

            let xavier =
                largest (nn.init.xavier_uniform_ (zeros (50L, 100L), generator = generator))

            Expect.floatClose { absolute = 0.0; relative = 0.01 } xavier (sqrt (6.0 / 150.0)) "xavier"

            let kaiming =
                largest (nn.init.kaiming_uniform_ (zeros (50L, 100L), generator = generator))

            Expect.floatClose { absolute = 0.0; relative = 0.01 } kaiming (sqrt (6.0 / 100.0)) "kaiming")
    ]

[<Tests>]
let tests = testList "torch modules" [ structure; state; layers; initialisers ]
