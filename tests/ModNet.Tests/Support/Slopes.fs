namespace ModNet.Tests

open Expecto
open TorchSharp

/// Gradients against central differences, in double precision.
module Slopes =

    /// Central differences of a scalar function in every element of a tensor that it reads.
    let differences (f: unit -> float) (p: torch.Tensor) =
        use _ = torch.no_grad ()
        let h = 1e-6
        let flat = p.view (-1L)

        let slope i =
            let at = flat.narrow (0L, i, 1L)
            let before = at.ToDouble()
            at.fill_ ((before + h).ToScalar()) |> ignore
            let up = f ()
            at.fill_ ((before - h).ToScalar()) |> ignore
            let down = f ()
            at.fill_ (before.ToScalar()) |> ignore
            (up - down) / (2.0 * h)

        [| for i in 0L .. p.numel () - 1L -> slope i |]

    /// The gradient that autograd left, zeros where it left none.
    let gradient (p: torch.Tensor) =
        use given = p.grad

        if isNull given then torch.zeros_like p else given.clone ()

    /// The parameters of a module, by name.
    let parameters (part: torch.nn.Module) : (string * torch.Tensor) list = [
        for struct (name, p) in part.named_parameters () -> name, p :> torch.Tensor
    ]

    /// Every gradient of a scalar loss is its slope, in each of the named leaves.
    let agree (leaves: (string * torch.Tensor) list) (loss: unit -> torch.Tensor) =
        for _, leaf in leaves do
            leaf.grad <- null

        (loss ()).backward()
        let analytic = [ for name, leaf in leaves -> name, numbers (gradient leaf) ]

        let value () =
            use _scope = torch.NewDisposeScope()
            use _ = torch.no_grad ()
            (loss ()).ToDouble()

        for (name, analytic), (_, leaf) in List.zip analytic leaves do
            for n, a in Array.zip (differences value leaf) analytic do
                Expect.isLessThan (abs (n - a)) (1e-6 + 1e-4 * abs a) $"{name}: slope {n}, gradient {a}"
