namespace ModNet

open System.ComponentModel

/// Holds layers in order: what `network`, `chain`, `residual`, `coupling` and `repeat` have in common.
[<AbstractClass>]
type LayersBuilder internal () =

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(layer: Layer) = [ layer ]

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(linear: LinearSpec) = [ Layer.Linear linear ]

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(conv: ConvSpec) = [ Layer.Conv conv ]

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(Transposed conv) = [ Layer.ConvTranspose conv ]

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(conv: Conv1dSpec) = [ Layer.Conv1d conv ]

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(custom: Custom) = [ Layer.Custom custom ]

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(Chain layers) = layers

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Layers, WrongChild.Code, IsError = true)>]
    member _.Yield(_: 'Other) : Layer list = []

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Zero() : Layer list = []

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Combine(first: Layer list, second: Layer list) = first @ second

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Delay(layers: unit -> Layer list) = layers ()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.For(items: 'Item seq, layers: 'Item -> Layer list) = items |> Seq.collect layers |> List.ofSeq

/// Makes a chain; see `chain`.
[<Sealed>]
type ChainBuilder internal () =
    inherit LayersBuilder()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(layers: Layer list) = Chain layers

/// Makes a residual; see `residual`.
[<Sealed>]
type ResidualBuilder internal () =
    inherit LayersBuilder()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(layers: Layer list) = Layer.Residual layers

/// Makes a coupling or its inverse; see `coupling` and `uncoupling`.
[<Sealed>]
type CouplingBuilder internal (make: Layer list -> Layer) =
    inherit LayersBuilder()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(layers: Layer list) = make layers

/// Makes a repetition; see `repeat`.
[<Sealed>]
type RepeatBuilder internal (times: int) =
    inherit LayersBuilder()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(layers: Layer list) = Layer.Repeat(times, layers)

/// Makes a block; see `block`.
[<Sealed>]
type BlockBuilder internal (name: string) =
    inherit LayersBuilder()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(layers: Layer list) = Layer.Block(name, layers)

[<AutoOpen>]
module Chains =

    /// Layers in order, as a value: a part of a network, a branch, or the unit of a pool. `for` and `if` work inside.
    /// Example: `chain { linear 16 |> relu; layer_norm; linear 8 }`
    let chain = ChainBuilder()

    /// Layers in order under a name of one's own, unique where it stands: it leads the names of what is inside (`stem/conv1`) in
    /// messages, tables, metrics and checkpoints.
    /// Example: `block "encoder" { linear 16 |> relu; linear 8 }`
    let block (name: string) = BlockBuilder name

    /// x → x + f(x), where f is the layers in order and gives the shape it reads.
    /// Example: `residual { linear 8 |> relu; linear 8 }`
    let residual = ResidualBuilder()

    /// [x₁, x₂] → [x₂ + f(x₁), x₁], where x₁ and x₂ are the first and the second half of the features (of images the channels), and f is the layers in order, which give
    /// the shape that they read. Whatever f is, x can be told from what the layer gives: f reads x₁, which is kept (Dinh, Krueger, Bengio 2014, NICE). Stacked
    /// couplings change all features, and `Edit.inverse` inverts them.
    /// Example: `coupling { linear 4 |> relu; linear 4 }`
    let coupling = CouplingBuilder Layer.Coupling

    /// [y₁, y₂] → [y₂, y₁ − f(y₂)], the inverse of the coupling with the same layers.
    /// Example: `uncoupling { linear 4 |> relu; linear 4 }`
    let uncoupling = CouplingBuilder Layer.Uncoupling

    /// The layers, so many times over, ≥ 1; every round has parameters of its own, but for shared pools.
    /// Example: `repeat 3 { linear 8 |> relu; dropout 0.1 }`
    let repeat (times: int) = RepeatBuilder times
