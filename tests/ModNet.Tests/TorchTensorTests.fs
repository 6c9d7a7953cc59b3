/// Tensors against plain .NET.
module ModNet.Tests.TorchTensorTests

open System
open Expecto
open FsCheck
open ModNet.Tests.TorchSupport
open TorchSharp
open type TorchSharp.torch
open FSharp.Core.Operators

let private elementWise: (string * (Tensor -> Tensor) * (float -> float)) list = [
    "neg", _.neg(), (~-)
    "abs", _.abs(), abs
    "exp", _.exp(), exp
    "tanh", _.tanh(), tanh
    "sigmoid", _.sigmoid(), (fun x -> 1.0 / (1.0 + exp -x))
    "relu", _.relu(), max 0.0
    "square", _.square(), (fun x -> x * x)
    "floor", _.floor(), floor
    "round", _.round(), (fun x -> Math.Round(x, MidpointRounding.ToEven))
    "sign", _.sign(), (sign >> float)
    "sin", _.sin(), sin
    "cos", _.cos(), cos
    "log of 1 + x²", (fun x -> x.square().log1p()), (fun x -> log (1.0 + x * x))
    "softplus", _.softplus(), (fun x -> if x > 20.0 then x else log (1.0 + exp x))
    "clamp", (fun x -> x.clamp (Scalar.op_Implicit -0.5, Scalar.op_Implicit 0.5)), (max -0.5 >> min 0.5)
    "x + 2", (fun x -> x + Scalar.op_Implicit 2.0), (fun x -> x + 2.0)
    "2 − x", (fun x -> Scalar.op_Implicit 2.0 - x), (fun x -> 2.0 - x)
    "x · 3", (fun x -> x * Scalar.op_Implicit 3.0), (fun x -> x * 3.0)
    "x / 4", (fun x -> x / Scalar.op_Implicit 4.0), (fun x -> x / 4.0)
    "1 / (3 + |x|)",
    (fun x -> Scalar.op_Implicit 1.0 / (x.abs () + Scalar.op_Implicit 3.0)),
    (fun x -> 1.0 / (abs x + 3.0))
    "x > 0", (fun x -> x.gt (Scalar.op_Implicit 0.0)), (fun x -> if x > 0.0 then 1.0 else 0.0)
]

let private pointwise =
    testList "element-wise" [
        for name, op, reference in elementWise do
            testProperty name (fun (NonEmptyArray(xs: NormalFloat[])) ->
                use scope = NewDisposeScope()
                let xs = xs |> Array.map (fun x -> Math.Clamp(x.Get, -30.0, 30.0))
                close 1e-9 (values (op (tensor xs))) (Array.map reference xs) name)
    ]

let private binary =
    let cases: (string * (Tensor * Tensor -> Tensor) * (float -> float -> float)) list = [
        "add", (fun (a, b) -> a + b), (+)
        "sub", (fun (a, b) -> a - b), (-)
        "mul", (fun (a, b) -> a * b), (*)
        "div", (fun (a, b) -> a / b), (/)
        "maximum", (fun (a, b) -> torch.maximum (a, b)), max
        "minimum", (fun (a, b) -> a.minimum b), min
        "pow", (fun (a, b) -> a.abs().pow b), (fun a b -> abs a ** b)
        "remainder", (fun (a, b) -> a % b), (fun a b -> a - b * floor (a / b))
    ]

    testList "binary, broadcast" [
        for name, op, reference in cases do
            scoped name (fun () ->
                let a = matrix 2 3 [ 1.5; -2.0; 3.0; 0.5; 4.0; -1.0 ]
                let b = doubles [ 2.0; -3.0; 0.5 ]

                let expected = Array.mapi (fun i x -> reference x (values b).[i % 3]) (values a)

                closeTo (values (op (a, b))) expected name)
    ]

let private reductions =
    let x () =
        matrix 2 3 [ 1.0; 5.0; -2.0; 4.0; 0.5; 3.0 ]

    let one name (op: Tensor -> Tensor) expected =
        scoped name (fun () -> closeTo (values (op (x ()))) expected name)

    testList "reductions" [
        one "sum" _.sum() [ 11.5 ]
        one "sum over rows" _.sum(0L) [ 5.0; 5.5; 1.0 ]
        one "sum, kept" (fun x -> x.sum(1L, true).sum 0L) [ 11.5 ]
        one "mean" _.mean() [ 11.5 / 6.0 ]
        one "mean over columns" _.mean([| 1L |]) [ 4.0 / 3.0; 2.5 ]
        one "variance" (fun x -> x.var ([| 1L |], false)) [ 8.222222222222221; 2.1666666666666665 ]
        one "prod" _.prod(1L) [ -10.0; 6.0 ]
        one "max" _.max() [ 5.0 ]
        one "max values" (fun x -> let struct (v, _) = x.max 1L in v) [ 5.0; 4.0 ]
        one "argmax" _.argmax(1L) [ 1.0; 0.0 ]
        one "amin" _.amin(0L) [ 1.0; 0.5; -2.0 ]
        one "cumsum" _.cumsum(1L) [ 1.0; 6.0; 4.0; 4.0; 4.5; 7.5 ]
        one "logsumexp" _.logsumexp(1L) [ log (exp 1.0 + exp 5.0 + exp -2.0); log (exp 4.0 + exp 0.5 + exp 3.0) ]
        one "softmax sums to one" (fun x -> x.softmax(1L).sum 1L) [ 1.0; 1.0 ]
        one "norm" _.norm() [ sqrt (1.0 + 25.0 + 4.0 + 16.0 + 0.25 + 9.0) ]
        one
            "all and any"
            (fun x -> stack [| x.gt(Scalar.op_Implicit -3.0).all(); x.lt(Scalar.op_Implicit -3.0).any() |])
            [ 1.0; 0.0 ]
    ]

let private products =
    testList "products" [
        scoped "matmul" (fun () ->
            let a, b = matrix 2 3 [ 1.0 .. 6.0 ], matrix 3 2 [ 1.0 .. 6.0 ]
            closeTo (values (a.matmul b)) [ 22.0; 28.0; 49.0; 64.0 ] "2×3 · 3×2")

        scoped "einsum agrees with bmm" (fun () ->
            let a, b = uniform 1 [ 4L; 2L; 3L ] -1.0 1.0, uniform 2 [ 4L; 3L; 5L ] -1.0 1.0
            closeTo (values (einsum ("bij,bjk->bik", a, b))) (values (a.bmm b)) "products")

        scoped "addmm" (fun () ->
            let m = eye (2L, dtype = float64)
            closeTo (values (m.addmm (m, m, 2.0f, 3.0f))) [ 5.0; 0.0; 0.0; 5.0 ] "2 I + 3 I·I")
    ]

let private indexing =
    let x () =
        arange(Scalar.op_Implicit 24).reshape(2L, 3L, 4L)

    let pos (index: int64) = TensorIndex.Single(Nullable index)

    let at (x: Tensor) (indices: TensorIndex list) = x.index (List.toArray indices)

    testList "indexing" [
        scoped "positions and slices" (fun () ->
            Expect.equal (at (x ()) [ pos 1L; pos 2L; pos 3L ]).NumberOfElements 1L "one element"
            Expect.equal ((at (x ()) [ pos 1L; pos 2L; pos 3L ]).ToInt64()) 23L "value"
            Expect.equal (at (x ()) [ TensorIndex.Colon; TensorIndex.Slice(1L) ]).shape [| 2L; 2L; 4L |] "slice"
            Expect.equal (at (x ()) [ TensorIndex.Ellipsis; pos 0L ]).shape [| 2L; 3L |] "ellipsis"
            Expect.equal (at (x ()) [ TensorIndex.Null; pos 0L ]).shape [| 1L; 3L; 4L |] "new axis"

            closeTo
                (values (at (x ()) [ pos 0L; pos 0L; TensorIndex.Slice(step = Nullable 2L) ]))
                [ 0.0; 2.0 ]
                "every other")

        scoped "a negative position counts from the end" (fun () ->
            Expect.equal ((at (x ()) [ pos -1L; pos -1L; pos -1L ]).ToInt64()) 23L "last")

        scoped "index tensors and masks" (fun () ->
            let picked =
                at (x ()) [ TensorIndex.Colon; TensorIndex.Tensor(tensor [| 2L; 0L |]) ]

            Expect.equal picked.shape [| 2L; 2L; 4L |] "rows 2 and 0"
            Expect.equal ((at picked [ pos 0L; pos 0L; pos 0L ]).ToInt64()) 8L "row 2 first"
            let t = x ()
            let mask = t.ge (Scalar.op_Implicit 20)
            closeTo (values (at t [ TensorIndex.Tensor mask ])) [ 20.0; 21.0; 22.0; 23.0 ] "mask")

        scoped "writing through an index" (fun () ->
            let t = zeros (2L, 3L)
            t.index_put_ (tensor [| 7.0f; 8.0f |], TensorIndex.Colon, pos 1L) |> ignore
            closeTo (values t) [ 0.0; 7.0; 0.0; 0.0; 8.0; 0.0 ] "column"

            t.index_put_ (tensor 9.0f, TensorIndex.Tensor(t.eq (Scalar.op_Implicit 0.0f)))
            |> ignore

            closeTo (values t) [ 9.0; 7.0; 9.0; 9.0; 8.0; 9.0 ] "mask")

        scoped "gather, scatter, index_add, masked_fill" (fun () ->
            let t = matrix 2 3 [ 1.0 .. 6.0 ]
            let index = tensor(([| 2L; 0L |]: int64[])).reshape(2L, 1L)
            closeTo (values (t.gather (1L, index))) [ 3.0; 4.0 ] "gather"

            closeTo
                (values (zeros_like(t).scatter_(1L, index, Scalar.op_Implicit 1.0)))
                [ 0.0; 0.0; 1.0; 1.0; 0.0; 0.0 ]
                "scatter"

            let sums =
                zeros([| 3L; 2L |], float64)
                    .index_add_(0L, tensor [| 1L; 1L; 0L |], matrix 3 2 [ 1.0 .. 6.0 ], Scalar.op_Implicit 1)

            closeTo (values sums) [ 5.0; 6.0; 4.0; 6.0; 0.0; 0.0 ] "index_add"

            closeTo
                (values (t.masked_fill (t.gt (Scalar.op_Implicit 3.0), Scalar.op_Implicit 0.0)))
                [ 1.0; 2.0; 3.0; 0.0; 0.0; 0.0 ]
                "masked_fill")

        scoped "sort, topk, unique, bincount" (fun () ->
            let t = doubles [ 3.0; 1.0; 2.0; 1.0 ]
            let struct (sorted, order) = t.sort ()
            closeTo (values sorted) [ 1.0; 1.0; 2.0; 3.0 ] "sorted"
            closeTo (values (t.index_select (0L, order))) (values sorted) "order"
            let struct (top, _) = t.topk 2
            closeTo (values top) [ 3.0; 2.0 ] "top"
            let struct (distinct, _, counts) = t.unique (return_counts = true)
            closeTo (values distinct) [ 1.0; 2.0; 3.0 ] "distinct"
            closeTo (values counts) [ 2.0; 1.0; 1.0 ] "counts"
            closeTo (values ((tensor [| 0L; 2L; 2L |]).bincount(minlength = 4L))) [ 1.0; 0.0; 2.0; 0.0 ] "bincount")
    ]

let private storage =
    testList "storage" [
        testProperty "arrays go in and come out" (fun (NonEmptyArray(xs: int[])) ->
            use scope = NewDisposeScope()
            (tensor xs).data<int>().ToArray() = xs)

        scoped "two-dimensional arrays keep their shape" (fun () ->
            let t = tensor (array2D [ [ 1.0f; 2.0f; 3.0f ]; [ 4.0f; 5.0f; 6.0f ] ])
            Expect.equal t.shape [| 2L; 3L |] "shape"
            Expect.equal (t.data<float32>().ToNDArray() :?> float32[,]).[1, 2] 6.0f "back")

        scoped "types and conversions" (fun () ->
            Expect.equal (tensor([| true; false |]).dtype) torch.``bool`` "bool"
            Expect.equal (tensor([| 1L |], dtype = Nullable torch.float32).dtype) torch.float32 "dtype asked for"
            Expect.equal (tensor(3.7).to_type(torch.int64).ToInt64()) 3L "truncated"
            Expect.throwsT<ArgumentException> (fun () -> tensor([| 1.0 |]).data<float32>() |> ignore) "the wrong type"
            Expect.throwsT<ArgumentException> (fun () -> tensor([| 1.0; 2.0 |]).item<float>() |> ignore) "two elements"

            Expect.throwsT<ArgumentException>
                (fun () -> tensor ([| 1.0 |] :> Collections.Generic.IList<float>, 2L, 1L) |> ignore)
                "too few elements")

        scoped "a transposed tensor reads in its own order" (fun () ->
            let t = (matrix 2 3 [ 1.0 .. 6.0 ]).t()
            Expect.isFalse (t.is_contiguous ()) "a view"
            Expect.equal (t.data<float>().ToArray()) [| 1.0; 4.0; 2.0; 5.0; 3.0; 6.0 |] "elements"
            Expect.equal (t.data<float>().[2L, 1L]) 6.0 "indices")

        scoped "views share, clones do not, in-place operations return the tensor itself" (fun () ->
            let t = doubles [ 1.0; 2.0; 3.0; 4.0 ]
            let view, copy = t.view (2L, 2L), t.clone ()
            let same = t.mul_ (Scalar.op_Implicit 10.0)
            Expect.isTrue (obj.ReferenceEquals(same, t)) "in place"
            closeTo (values view) [ 10.0; 20.0; 30.0; 40.0 ] "view"
            closeTo (values copy) [ 1.0; 2.0; 3.0; 4.0 ] "clone"
            t.bytes.Clear()
            closeTo (values view) [ 0.0; 0.0; 0.0; 0.0 ] "bytes are in place")

        scoped "in-place updates" (fun () ->
            let t = doubles [ 1.0; 2.0 ]

            t.add_(t, Scalar.op_Implicit 2).sub_(Scalar.op_Implicit 1.0).div_(Scalar.op_Implicit 2.0)
            |> ignore

            closeTo (values t) [ 1.0; 2.5 ] "add, sub, div"
            t.addcmul_ (t, t, Scalar.op_Implicit 2.0) |> ignore
            closeTo (values t) [ 3.0; 15.0 ] "addcmul"
            t.lerp_ (zeros_like t, Scalar.op_Implicit 0.5) |> ignore
            closeTo (values t) [ 1.5; 7.5 ] "lerp"
            t.copy_(doubles [ 9.0; 8.0 ]).clamp_(max = Scalar.op_Implicit 8.5) |> ignore
            closeTo (values t) [ 8.5; 8.0 ] "copy, clamp")

        scoped "shapes" (fun () ->
            let t = zeros (2L, 3L, 4L)
            Expect.equal (t.permute(2L, 0L, 1L).shape) [| 4L; 2L; 3L |] "permute"
            Expect.equal (t.flatten(1L).shape) [| 2L; 12L |] "flatten"
            Expect.equal (t.unsqueeze(0L).squeeze(0L).shape) t.shape "unsqueeze, squeeze"
            Expect.equal (zeros(1L, 3L).expand(5L, -1L).shape) [| 5L; 3L |] "expand"
            Expect.equal (zeros(2L, 1L).repeat(2L, 3L).shape) [| 4L; 3L |] "repeat"
            Expect.equal (t.split (2L, 2L) |> Array.map _.shape) [| [| 2L; 3L; 2L |]; [| 2L; 3L; 2L |] |] "split"
            Expect.equal (t.unbind 1L |> Array.length) 3 "unbind"
            Expect.equal (cat([| t; t |], 1L).shape) [| 2L; 6L; 4L |] "cat"
            Expect.equal (stack([| t; t |]).shape) [| 2L; 2L; 3L; 4L |] "stack"
            closeTo (values ((doubles [ 1.0; 2.0; 3.0 ]).roll 1L)) [ 3.0; 1.0; 2.0 ] "roll"
            closeTo (values ((doubles [ 1.0; 2.0; 3.0 ]).flip 0L)) [ 3.0; 2.0; 1.0 ] "flip"
            closeTo (values ((doubles [ 1.0; 2.0 ]).repeat_interleave 2L)) [ 1.0; 1.0; 2.0; 2.0 ] "repeat_interleave")

        scoped "factories" (fun () ->
            closeTo
                (values (arange (Scalar.op_Implicit 2, Scalar.op_Implicit 8, Scalar.op_Implicit 3)))
                [ 2.0; 5.0 ]
                "arange"

            Expect.equal (arange(Scalar.op_Implicit 3).dtype) torch.int64 "arange of integers"
            Expect.equal (arange(Scalar.op_Implicit 3.0).dtype) torch.float32 "arange of floats"
            closeTo (values (linspace (0.0, 1.0, 3L, dtype = float64))) [ 0.0; 0.5; 1.0 ] "linspace"
            closeTo (values (eye 2L)) [ 1.0; 0.0; 0.0; 1.0 ] "eye"
            Expect.equal (full([| 2L |], Scalar.op_Implicit 3).dtype) torch.int64 "full of an integer"
            Expect.equal (zeros(2L, dtype = float64, requires_grad = true).requires_grad) true "requires_grad"
            Expect.equal ((rand_like (zeros [| 3L; 1L |])).shape) [| 3L; 1L |] "rand_like")

        scoped "text" (fun () ->
            Expect.equal (string (zeros (2L, 3L))) "[2x3], type = Float32, device = cpu" "summary"
            Expect.stringContains ((tensor [| 1.5; 2.0 |]).str()) "[1.5 2]" "elements")
    ]

[<Tests>]
let tests =
    testList "torch tensors" [ pointwise; binary; reductions; products; indexing; storage ]
