namespace ModNet

open System.ComponentModel

/// Holds chains side by side, a layer alone being one: what `sum_of`, `concat_of` and `mixed` have in common.
[<AbstractClass>]
type BranchesBuilder internal () =

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(layer: Layer) = [ [ layer ] ]

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(linear: LinearSpec) = [ [ Layer.Linear linear ] ]

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(conv: ConvSpec) = [ [ Layer.Conv conv ] ]

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(Transposed conv) = [ [ Layer.ConvTranspose conv ] ]

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(conv: Conv1dSpec) = [ [ Layer.Conv1d conv ] ]

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(custom: Custom) = [ [ Layer.Custom custom ] ]

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(Chain layers) = [ layers ]

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Branches, WrongChild.Code, IsError = true)>]
    member _.Yield(_: 'Other) : Layer list list = []

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Zero() : Layer list list = []

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Combine(first: Layer list list, second: Layer list list) = first @ second

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Delay(branches: unit -> Layer list list) = branches ()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.For(items: 'Item seq, branches: 'Item -> Layer list list) = items |> Seq.collect branches |> List.ofSeq

/// Makes a sum of branches; see `sum_of`.
[<Sealed>]
type SumOfBuilder internal () =
    inherit BranchesBuilder()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(branches: Layer list list) = Layer.SumOf branches

/// Makes a concatenation of branches; see `concat_of`.
[<Sealed>]
type ConcatOfBuilder internal () =
    inherit BranchesBuilder()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(branches: Layer list list) = Layer.ConcatOf branches

/// Makes a pool's modules one by one; see `mixed`.
[<Sealed>]
type MixedBuilder internal () =
    inherit BranchesBuilder()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(units: Layer list list) = Mixed units

[<AutoOpen>]
module Branches =

    /// x → Σ_i f_i(x): branches that read the same x and give one shape. A child is a branch: a layer, or `chain { … }` of
    /// several; `chain { }` is x itself.
    /// Example: `sum_of { linear 8; chain { linear 16 |> relu; linear 8 } }`
    let sum_of = SumOfBuilder()

    /// x → [f_1(x), f_2(x), …]: branches that read the same x, their outputs side by side (images: in channels). A child is a
    /// branch: a layer, or `chain { … }` of several; `chain { }` is x itself.
    /// Example: `concat_of { linear 8; chain { linear 16 |> relu; linear 4 } }`
    let concat_of = ConcatOfBuilder()

    /// A pool's modules said one by one, all of one signature: `unit (mixed { … })`. A child is a module: a layer, or
    /// `chain { … }` of several.
    /// Example: `pool "tools" { unit (mixed { linear 8; linear 8 |> relu; mlp [ 16; 8 ] }) }`
    let mixed = MixedBuilder()
