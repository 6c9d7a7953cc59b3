/// Tensors live as long as they should, and no longer.
module ModNet.Tests.TorchLifetimeTests

open System
open System.Runtime.CompilerServices
open Expecto
open ModNet.Tests.TorchSupport
open TorchSharp
open type TorchSharp.torch
open FSharp.Core.Operators

[<MethodImpl(MethodImplOptions.NoInlining)>]
let private abandon count =
    for _ in 1..count do
        zeros 3L |> ignore

let private collect () =
    GC.Collect()
    GC.WaitForPendingFinalizers()
    GC.Collect()

let private scopes =
    testList "dispose scopes" [
        testCase "dispose what was made in them" (fun () ->
            let before = Tensor.TotalCount

            let kept =
                use scope = NewDisposeScope()
                let a = zeros 3L
                let b = a + a
                Expect.equal scope.DisposablesCount 2 "both are in the scope"
                a.Dispose()
                Expect.equal scope.DisposablesCount 1 "disposed ones leave"
                b.neg().MoveToOuterDisposeScope()

            Expect.isFalse kept.IsInvalid "moved out"
            Expect.equal Tensor.TotalCount (before + 1L) "only the one moved out is left"
            kept.Dispose()
            Expect.equal Tensor.TotalCount before "nothing left")

        testCase "nest" (fun () ->
            use outer = NewDisposeScope()

            let moved, detached, inner =
                use scope = NewDisposeScope()
                let moved, detached, inner = zeros 1L, zeros 1L, zeros 1L
                moved.MoveToOuterDisposeScope() |> ignore
                detached.DetachFromDisposeScope() |> ignore
                moved, detached, inner

            Expect.isTrue inner.IsInvalid "inner"
            Expect.isTrue (outer.Contains moved) "moved one level"
            Expect.isFalse (outer.Contains detached) "detached from all"
            outer.DisposeEverything()
            Expect.isTrue moved.IsInvalid "moved is disposed with the outer"
            Expect.isFalse detached.IsInvalid "detached lives"
            detached.Dispose())

        testCase "keep what they are told to" (fun () ->
            use scope = NewDisposeScope()
            let a, b = zeros 1L, zeros 1L
            scope.DisposeEverythingBut a
            Expect.isFalse a.IsInvalid "a"
            Expect.isTrue b.IsInvalid "b"
            let c = (zeros 1L).DetachFromDisposeScope()
            scope.Attach c |> ignore
            scope.DisposeEverything()
            Expect.isTrue c.IsInvalid "attached")

        testCase "belong to their thread" (fun () ->
            use scope = NewDisposeScope()
            let other = Threading.Tasks.Task.Run(fun () -> zeros 1L).Result
            Expect.isFalse (scope.Contains other) "made elsewhere"
            other.Dispose())
    ]

let private counts =
    testList "counts" [
        testCase "the finalizer frees what was abandoned" (fun () ->
            collect ()
            let tensors, handles = Tensor.TotalCount, ModNet.Torch.Libtorch.LiveHandles
            abandon 100
            collect ()
            Expect.isLessThan (Tensor.TotalCount - tensors) 5L "tensor objects"
            Expect.isLessThan (ModNet.Torch.Libtorch.LiveHandles - handles) 5L "native references")

        testCase "an alias keeps the elements alive" (fun () ->
            let a = doubles [ 1.0; 2.0 ]
            let b = a.alias ()
            a.Dispose()
            closeTo (values b) [ 1.0; 2.0 ] "alias"
            b.Dispose())

        testCase "stay flat over training" (fun () ->
            use scope = NewDisposeScope()
            let net = nn.Sequential(nn.Linear(4L, 8L), nn.Tanh(), nn.Linear(8L, 3L))
            let optimizer = optim.Adam(net.parameters (), 1e-2)
            let x, y = randn (16L, 4L), randint (3L, [| 16L |])

            let step () =
                use inner = NewDisposeScope()
                optimizer.zero_grad ()
                let loss = nn.functional.cross_entropy (net.call x, y)
                loss.backward ()
                nn.utils.clip_grad_norm_ (net.parameters (), 1.0) |> ignore
                optimizer.step () |> ignore
                loss.data<float32>().ToArray() |> ignore

            step ()
            // What earlier tests left to the finalizers goes first.
            collect ()
            let tensors, handles = Tensor.TotalCount, ModNet.Torch.Libtorch.LiveHandles

            for _ in 1..1000 do
                step ()

            Expect.equal Tensor.TotalCount tensors "tensor objects"
            Expect.equal ModNet.Torch.Libtorch.LiveHandles handles "native references")
    ]

[<Tests>]
let tests = testList "torch lifetimes" [ scopes; counts ]
