/// Optimizers against the formulas written out, and their state.
module ModNet.Tests.TorchOptimizerTests

open System
open System.IO
open Expecto
open ModNet.Tests.TorchSupport
open TorchSharp
open TorchSharp.Modules
open type TorchSharp.torch
open FSharp.Core.Operators

let private start = [ 1.0; -2.0; 3.0 ]

/// Gradients of a fixed quartic, so that they change from step to step.
let private loss (p: Tensor) = (p.pow (Scalar.op_Implicit 4)).sum()

let private slope x = 4.0 * x ** 3.0

let private parameter () = new Parameter(doubles start)

let private run (optimizer: optim.Optimizer) (p: Parameter) steps =
    for _ in 1..steps do
        use scope = NewDisposeScope()
        optimizer.zero_grad ()
        (loss p).backward()
        optimizer.step () |> ignore

type private Adam' = {
    lr: float
    beta1: float
    beta2: float
    eps: float
    decay: float
    decoupled: bool
    amsgrad: bool
}

/// Adam and AdamW, element by element, from their papers.
let private byHand o steps =
    let one x0 =
        let mutable x, m, v, vmax = x0, 0.0, 0.0, 0.0

        for t in 1..steps do
            let g = slope x + (if o.decoupled then 0.0 else o.decay * x)

            if o.decoupled then
                x <- x - o.lr * o.decay * x

            m <- o.beta1 * m + (1.0 - o.beta1) * g
            v <- o.beta2 * v + (1.0 - o.beta2) * g * g
            vmax <- max vmax v
            let second = if o.amsgrad then vmax else v
            let mHat = m / (1.0 - o.beta1 ** float t)
            let vHat = second / (1.0 - o.beta2 ** float t)
            x <- x - o.lr * mHat / (sqrt vHat + o.eps)

        x

    List.map one start

let private plain = {
    lr = 0.05
    beta1 = 0.9
    beta2 = 0.999
    eps = 1e-8
    decay = 0.0
    decoupled = false
    amsgrad = false
}

let private make o (ps: Parameter seq) : OptimizerHelper =
    if o.decoupled then
        new AdamW(ps, o.lr, o.beta1, o.beta2, o.eps, o.decay, o.amsgrad)
    else
        new Adam(ps, o.lr, o.beta1, o.beta2, o.eps, o.decay, o.amsgrad)

let private adam =
    testList "adam" [
        for name, options in
            [
                "plain", plain
                "with weight decay", { plain with decay = 0.1 }
                "amsgrad", { plain with amsgrad = true; lr = 0.3 }
                "AdamW",
                {
                    plain with
                        decay = 0.1
                        decoupled = true
                }
                "other betas",
                {
                    plain with
                        beta1 = 0.5
                        beta2 = 0.9
                        eps = 1e-3
                }
            ] do
            testCase name (fun () ->
                use p = parameter ()
                use optimizer = make options [ p ]
                run optimizer p 25
                close 1e-10 (values p) (byHand options 25) name)

        testCase "TorchSharp's factory has its own beta2" (fun () ->
            use p = parameter ()
            use optimizer = optim.Adam([ p ], 0.05)
            run optimizer p 3
            close 1e-10 (values p) (byHand { plain with beta2 = 0.99 } 3) "0.99")

        testCase "a parameter without a gradient stays" (fun () ->
            use p = parameter ()
            use idle = parameter ()
            use optimizer = make plain [ p; idle ]
            run optimizer p 3
            closeTo (values idle) start "idle"
            let states = optimizer.state_dict().State
            Expect.equal (states[0] :?> Adam.State).step 3L "steps of p"
            Expect.equal (states[1] :?> Adam.State).step 0L "steps of idle")

        testCase "groups have their own options, and the rate can change" (fun () ->
            use a = parameter ()
            use b = parameter ()

            use optimizer =
                new Adam([ Adam.ParamGroup([ a ], lr = 0.01); Adam.ParamGroup([ b ], lr = 0.05) ])

            for _ in 1..2 do
                use scope = NewDisposeScope()
                optimizer.zero_grad ()
                (loss a + loss b).backward()
                optimizer.step () |> ignore

            close 1e-10 (values a) (byHand { plain with lr = 0.01 } 2) "a"
            close 1e-10 (values b) (byHand plain 2) "b"

            for group in optimizer.ParamGroups do
                group.LearningRate <- 0.0

            let before = values a
            run optimizer a 1
            Expect.equal (values a) before "rate 0")

        testCase "state goes round: a resumed run is the uninterrupted one, bit by bit" (fun () ->
            let whole =
                use p = parameter ()
                use optimizer = make plain [ p ]
                run optimizer p 10
                values p

            use p = parameter ()
            use optimizer = make plain [ p ]
            run optimizer p 5
            use stream = new MemoryStream()
            optimizer.save_state_dict (new BinaryWriter(stream))
            stream.Position <- 0L
            use q = new Parameter(torch.tensor (values p))
            use resumed = make { plain with lr = 7.0 } [ q ]
            resumed.load_state_dict (new BinaryReader(stream))
            run resumed q 5
            Expect.equal (values q) whole "from a stream"

            use r = new Parameter(torch.tensor (values p))
            use copied = make { plain with lr = 7.0 } [ r ]
            copied.load_state_dict (optimizer.state_dict ())
            run copied r 5
            Expect.equal (values r) whole "from a dictionary")

        testCase "the wrong state is refused" (fun () ->
            use p = parameter ()
            use adam = make plain [ p ]
            use sgd = new SGD([ p ], 0.1)
            use stream = new MemoryStream()
            sgd.save_state_dict (new BinaryWriter(stream))
            stream.Position <- 0L

            let _, message =
                messageOf (fun () -> adam.load_state_dict (new BinaryReader(stream)))

            Expect.stringContains message "expected 'Adam'" "the message"
            Expect.throwsT<ArgumentException> (fun () -> make { plain with beta1 = 1.0 } [ p ] |> ignore) "beta1 = 1")
    ]

let private sgd =
    let byHand lr momentum decay nesterov steps =
        let one x0 =
            let mutable x, buffer = x0, nan

            for _ in 1..steps do
                let g = slope x + decay * x
                buffer <- if Double.IsNaN buffer then g else momentum * buffer + g

                x <-
                    x
                    - lr
                      * (if momentum = 0.0 then g
                         elif nesterov then g + momentum * buffer
                         else buffer)

            x

        List.map one start

    testList "sgd" [
        for name, momentum, decay, nesterov in
            [
                "plain", 0.0, 0.0, false
                "momentum and decay", 0.9, 0.1, false
                "nesterov", 0.9, 0.0, true
            ] do
            testCase name (fun () ->
                use p = parameter ()
                use optimizer = optim.SGD([ p ], 1e-3, momentum, 0.0, decay, nesterov)
                run optimizer p 10
                close 1e-10 (values p) (byHand 1e-3 momentum decay nesterov 10) name)
    ]

let private utilities =
    testList "gradients in common" [
        scoped "clipping scales the joint norm" (fun () ->
            use a = new Parameter(doubles [ 0.0; 0.0 ])
            use b = new Parameter(doubles [ 0.0 ])
            a.grad <- doubles [ 3.0; 0.0 ]
            b.grad <- doubles [ 4.0 ]
            Expect.floatClose Accuracy.high (nn.utils.clip_grad_norm_ ([ a; b ], 1.0)) 5.0 "norm before"
            close 1e-6 (values a.grad) [ 0.6; 0.0 ] "a"
            close 1e-6 (values b.grad) [ 0.8 ] "b"
            nn.utils.clip_grad_norm_ ([ a; b ], 10.0) |> ignore
            close 1e-6 (values a.grad) [ 0.6; 0.0 ] "small enough already")

        scoped "vectors and back" (fun () ->
            use a = new Parameter(doubles [ 1.0; 2.0 ])
            use b = new Parameter(matrix 1 2 [ 3.0; 4.0 ])
            let all: Tensor list = [ a; b ]
            let vector = nn.utils.parameters_to_vector all
            closeTo (values vector) [ 1.0 .. 4.0 ] "to"
            nn.utils.vector_to_parameters (vector.neg (), all)
            closeTo (values b) [ -3.0; -4.0 ] "from")
    ]

[<Tests>]
let tests = testList "torch optimizers" [ adam; sgd; utilities ]
