/// Gradients against difference quotients, and custom functions.
module ModNet.Tests.TorchGradientTests

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open Expecto
open ModNet.Tests.TorchSupport
open TorchSharp
open type TorchSharp.torch
open FSharp.Core.Operators

let private weights = lazy (uniform 7 [ 3L; 4L ] -1.0 1.0).DetachFromDisposeScope()

let private differentiable: (string * (Tensor -> Tensor)) list = [
    "tanh", _.tanh()
    "sigmoid · x", (fun x -> x.sigmoid () * x)
    "softmax²", _.softmax(1L).square()
    "log_softmax · exp", (fun x -> x.log_softmax 1L * x.exp ())
    "matmul", (fun x -> x.matmul(weights.Value).square())
    "logsumexp", _.logsumexp(1L)
    "index_select", (fun x -> x.index_select(0L, tensor [| 1L; 1L; 0L |]).pow(Scalar.op_Implicit 3))
    "gather", (fun x -> x.gather(1L, tensor(([| 0L; 2L |]: int64[])).reshape(2L, 1L)).exp())
    "layer_norm", (fun x -> nn.functional.layer_norm(x, [| 3L |]).pow(Scalar.op_Implicit 3))
    "cross_entropy", (fun x -> nn.functional.cross_entropy (x, tensor [| 2L; 0L |]))
    "clamp", _.clamp(Scalar.op_Implicit -0.25, Scalar.op_Implicit 0.25).exp()
    "where", (fun x -> where (x.gt (Scalar.op_Implicit 0.1), x.square (), x.exp ()))
    "std", _.std([| 1L |])
]

/// x³, by hand.
type Cube() =
    inherit autograd.SingleTensorFunction<Cube>()
    override _.Name = "Cube"

    override _.forward(ctx, vars) =
        let x = vars[0] :?> Tensor
        ctx.save_for_backward (List [ x ])
        x * x * x

    override _.backward(ctx: autograd.AutogradContext, gradient: Tensor) =
        let x = ctx.get_saved_variables().[0]
        List [ gradient * x * x * Scalar.op_Implicit 3.0 ]

/// (a·s, a + b) with a number among the arguments.
type Pair() =
    inherit autograd.MultiTensorFunction<Pair>()
    override _.Name = "Pair"

    override _.forward(ctx, vars) =
        let a, scale, b = vars[0] :?> Tensor, vars[1] :?> float, vars[2] :?> Tensor
        ctx.save_data ("scale", scale)
        List [ a * Scalar.op_Implicit scale; a + b ]

    override _.backward(ctx, gradients) =
        let scale = ctx.get_data "scale" :?> float
        List [ gradients[0] * Scalar.op_Implicit scale + gradients[1]; null; gradients[1] ]

type Broken() =
    inherit autograd.SingleTensorFunction<Broken>()
    override _.Name = "Broken"
    override _.forward(_, vars) = (vars[0] :?> Tensor).clone()
    override _.backward(_: autograd.AutogradContext, _: Tensor) : List<Tensor> = failwith "no way back"

type BrokenForward() =
    inherit autograd.SingleTensorFunction<BrokenForward>()
    override _.Name = "BrokenForward"
    override _.forward(_, _) = invalidOp "no way forward"
    override _.backward(_: autograd.AutogradContext, gradient: Tensor) = List [ gradient ]

type TooMany() =
    inherit autograd.SingleTensorFunction<TooMany>()
    override _.Name = "TooMany"
    override _.forward(_, vars) = (vars[0] :?> Tensor).clone()
    override _.backward(_: autograd.AutogradContext, gradient: Tensor) = List [ gradient; gradient ]

let private operators =
    testList "of operators" [
        for name, f in differentiable do
            scoped name (fun () ->
                let x = uniform 3 [ 2L; 3L ] -1.0 1.0
                close 1e-6 (gradient f x) (differences f x) name)
    ]

let private rules =
    testList "of tensors" [
        scoped "accumulate, and can be set and dropped" (fun () ->
            let x = (doubles [ 1.0; 2.0 ]).requires_grad_ true
            Expect.isNull x.grad "none yet"
            (x * x).sum().backward()
            (x * x).sum().backward()
            closeTo (values x.grad) [ 4.0; 8.0 ] "twice"
            x.grad <- doubles [ 5.0; 5.0 ]
            closeTo (values x.grad) [ 5.0; 5.0 ] "set"
            x.grad <- null
            Expect.isNull x.grad "dropped")

        scoped "no_grad and detach" (fun () ->
            let x = (doubles [ 1.0 ]).requires_grad_ true

            let y =
                use off = no_grad ()
                Expect.isFalse (is_grad_enabled ()) "off"
                x * x

            Expect.isTrue (is_grad_enabled ()) "on again"
            Expect.isFalse y.requires_grad "unrecorded"
            Expect.isFalse (x * x).is_leaf "recorded"
            Expect.isFalse (x.detach ()).requires_grad "detached")

        scoped "autograd.grad, of the second order too" (fun () ->
            let x = (doubles [ 2.0 ]).requires_grad_ true
            let y = (x * x * x).sum()
            let first = autograd.grad([| y |], [| x |], create_graph = true).[0]
            closeTo (values first) [ 12.0 ] "3x²"
            let second = autograd.grad([| first.sum () |], [| x |]).[0]
            closeTo (values second) [ 12.0 ] "6x"
            Expect.isNull x.grad "nothing accumulated")

        scoped "an unused input is refused, or null when allowed" (fun () ->
            let x, z =
                (doubles [ 2.0 ]).requires_grad_ true, (doubles [ 2.0 ]).requires_grad_ true

            let y = x * x

            Expect.throwsT<ExternalException>
                (fun () -> autograd.grad ([| y.sum () |], [| z |], retain_graph = true) |> ignore)
                "refused"

            Expect.isNull (autograd.grad([| y.sum () |], [| z |], allow_unused = true).[0]) "allowed")

        scoped "a second backward without the graph is refused" (fun () ->
            let x = (doubles [ 2.0 ]).requires_grad_ true
            let y = (x * x).sum()
            y.backward ()
            let _, message = messageOf (fun () -> y.backward ())
            Expect.stringContains message "backward through the graph a second time" "libtorch's message")

        scoped "retain_graph and weights" (fun () ->
            let x = (doubles [ 2.0; 3.0 ]).requires_grad_ true
            let y = x * x
            y.backward ([| doubles [ 1.0; 10.0 ] |], retain_graph = true)
            y.backward ([| doubles [ 0.0; 1.0 ] |])
            closeTo (values x.grad) [ 4.0; 66.0 ] "weighed sums")
    ]

let private custom =
    testList "of custom functions" [
        scoped "one result" (fun () ->
            let x = uniform 5 [ 3L ] -1.0 1.0
            close 1e-6 (gradient (fun t -> Cube.apply t) x) (differences (fun t -> Cube.apply t) x) "cube")

        scoped "inside a larger graph" (fun () ->
            let f (t: Tensor) = Cube.apply(t.tanh ()).exp()
            let x = uniform 6 [ 3L ] -1.0 1.0
            close 1e-6 (gradient f x) (differences f x) "exp ∘ cube ∘ tanh")

        scoped "several results, arguments that are no tensors" (fun () ->
            let a, b =
                (doubles [ 1.0; 2.0 ]).requires_grad_ true, (doubles [ 3.0; 4.0 ]).requires_grad_ true

            let results = Pair.apply (a, box 5.0, b)
            closeTo (values results[0]) [ 5.0; 10.0 ] "a·s"
            (results[0] + results[1] * Scalar.op_Implicit 2.0).sum().backward()
            closeTo (values a.grad) [ 7.0; 7.0 ] "a"
            closeTo (values b.grad) [ 2.0; 2.0 ] "b")

        scoped "a result that is not used has a zero gradient" (fun () ->
            let a, b =
                (doubles [ 1.0 ]).requires_grad_ true, (doubles [ 3.0 ]).requires_grad_ true

            let results = Pair.apply (a, box 5.0, b)
            results[0].sum().backward()
            closeTo (values a.grad) [ 5.0 ] "a"
            closeTo (values b.grad) [ 0.0 ] "b")

        scoped "its own exception comes back from forward" (fun () ->
            let kind, message =
                messageOf (fun () -> BrokenForward.apply (doubles [ 1.0 ]) |> ignore)

            Expect.equal kind typeof<InvalidOperationException> "type"
            Expect.equal message "no way forward" "message")

        scoped "its message comes back from backward" (fun () ->
            let x = (doubles [ 1.0 ]).requires_grad_ true
            let _, message = messageOf (fun () -> Broken.apply(x).sum().backward())
            Expect.stringContains message "Broken.backward: no way back" "message")

        scoped "too many gradients are refused" (fun () ->
            let x = (doubles [ 1.0 ]).requires_grad_ true
            let _, message = messageOf (fun () -> TooMany.apply(x).sum().backward())
            Expect.stringContains message "expected 1 gradients" "message")

        scoped "saved tensors may not change in between" (fun () ->
            let x = (doubles [ 1.0 ]).requires_grad_ true
            let inner = x * Scalar.op_Implicit 2.0
            let y = (Cube.apply inner).sum()
            inner.mul_ (Scalar.op_Implicit 3.0) |> ignore
            let _, message = messageOf (fun () -> y.backward ())
            Expect.stringContains message "modified by an inplace operation" "libtorch's message")

        testCase "leave nothing behind" (fun () ->
            let run () =
                use scope = NewDisposeScope()
                let x = (doubles [ 1.0; 2.0 ]).requires_grad_ true
                Cube.apply(x).sum().backward()

            run ()
            let tensors, handles = Tensor.TotalCount, ModNet.Torch.Libtorch.LiveHandles

            for _ in 1..50 do
                run ()

            Expect.equal Tensor.TotalCount tensors "tensor objects"
            Expect.equal ModNet.Torch.Libtorch.LiveHandles handles "native references")
    ]

[<Tests>]
let tests = testList "torch gradients" [ operators; rules; custom ]
