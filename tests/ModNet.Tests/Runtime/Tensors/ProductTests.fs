/// Products by our own kernel against libtorch's.
module ModNet.Tests.ProductTests

open Expecto
open ModNet.Runtime
open TorchSharp

let private config = { FsCheckConfig.defaultConfig with maxTest = 40; arbitrary = [ typeof<Fixtures.Arbitraries> ] }

[<Tests>]
let tests =
    testList "products" [
        testPropertyWithConfig
            config
            "to few outputs are libtorch's, in outputs and every gradient, and count as many multiply-adds"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let run (product: torch.Tensor -> torch.Tensor -> torch.Tensor -> torch.Tensor) =
                    let leaf seed shape = ((normal seed shape).to_type torch.float32).requires_grad_()

                    let x = leaf s.Seed [ s.Batch; 3 * s.Inputs ]
                    let weight = leaf (s.Seed + 1) [ s.Outputs; 3 * s.Inputs ]
                    let bias = leaf (s.Seed + 2) [ s.Outputs ]
                    let mutable y = null
                    let count = Products.Count(fun () -> y <- product x weight bias)
                    let upstream = (normal (s.Seed + 3) [ s.Batch; s.Outputs ]).to_type torch.float32
                    (y * upstream).sum().backward()
                    let plain = using (torch.no_grad ()) (fun _ -> product x weight bias)
                    count, [ y.detach (); plain; x.grad; weight.grad; bias.grad ]

                let counted, expected = run (fun x w b -> Products.Linear(x, w, b))
                let count, got = run (fun x w b -> Products.ToFew(x, w, b))
                Expect.equal count counted "multiply-adds"

                for e, a in List.zip expected got do
                    Expect.equal (List.ofArray a.shape) (List.ofArray e.shape) "shape"
                    Expect.isLessThan (distance e a / (1.0 + e.abs().max().ToDouble())) 5e-6 "values"
    ]
