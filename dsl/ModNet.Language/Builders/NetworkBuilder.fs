namespace ModNet

open System.ComponentModel

/// Holds layers in order; made by `network`.
[<Sealed>]
type NetworkBuilder internal (name: string) =
    inherit LayersBuilder()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(layers: Layer list) : Network = { Name = name; Layers = layers }

[<AutoOpen>]
module Networks =

    /// A network: an input, layers, a head, in order. `for` and `if` work inside.
    /// In a function of a part of it, say the parameter's type: `let around (part: Chain) = network "n" { features 2; part; bernoulli }`,
    /// and call it with a chain: `around (chain { linear 8 |> relu })`.
    /// Example: `network "toy" { features 2; modular { modules 2; unit (linear 2); choose 1 }; gaussian (variance 0.1) }`
    let network (name: string) = NetworkBuilder name
