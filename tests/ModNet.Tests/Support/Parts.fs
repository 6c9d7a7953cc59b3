/// Nodes, controllers and other parts of a graph on their own.
module ModNet.Tests.Parts

open ModNet.Runtime
open TorchSharp

/// A node's output, with no choices on the way.
let run (node: Node) (x: torch.Tensor) = node.Forward(x, Route(ModeSelector()))

/// Every gradient of the node under a fixed random upstream, in its parameters and its input.
let slopes (node: Node) (x: torch.Tensor) =
    let x = x.requires_grad_ true
    let upstream = normal 77 [ for n in (run node x).shape -> int n ]
    Slopes.agree (("input", x) :: Slopes.parameters node) (fun () -> (run node x * upstream).sum())

/// Every parameter random, so that scales and shifts take part.
let shaken seed (node: torch.nn.Module) =
    use _ = torch.no_grad ()

    for i, (_, p) in List.indexed (Slopes.parameters node) do
        p.normal_ (0.0, 1.0, generator (seed + i)) |> ignore

/// One of the parameters, by its name.
let parameter (node: torch.nn.Module) name = Slopes.parameters node |> List.find (fst >> (=) name) |> snd
