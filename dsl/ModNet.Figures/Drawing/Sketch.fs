namespace ModNet.Pictures

open ModNet

/// A pool as a drawing shows it.
type internal PoolCard = {
    /// The pool's name; for a layer's own, `LAYER/pool`.
    Name: string
    /// M.
    Modules: int
    /// What a module is, as in a script: a line per layer, or per module where they differ.
    Unit: string list
    /// `[4] → [8]`, all of them where convolutions serve images of several sizes.
    Signatures: string list
    Init: string option
    /// `shared by 3 layers`, repetitions unrolled.
    Uses: string
}

[<RequireQualifiedAccess>]
type internal PoolUse =
    /// A named pool, drawn once, beside the layers.
    | Shared of name: string
    /// Drawn within its layer.
    | Own of PoolCard

/// What a modular layer chooses, and how.
type internal ChoiceCard = {
    /// `K = 2 of M = 10 · Sum`.
    Choose: string
    /// `controller Linear`.
    Controller: string
    /// Further settings, such as `stop_gradient`.
    Notes: string list
    /// Whether its controller reads the task id.
    ReadsTask: bool
    Pool: PoolUse
}

/// A layer in a drawing.
type internal LayerCard = {
    /// The layer's name in the summary. Rounds of a repetition that are drawn as one have a range: `repeat1/1–33/linear1`.
    Name: string
    /// As in a script.
    Title: string
    Output: string
    /// An input or a head.
    IsEnd: bool
    Choice: ChoiceCard option
}

/// How branches become one again.
type internal MergeCard = {
    /// `+` or `concat`.
    Symbol: string
    Name: string
    Output: string
}

/// What a drawing of a network shows, in whatever form.
[<RequireQualifiedAccess>]
type internal Sketch =
    | Layer of LayerCard
    /// x + f(x).
    | Skip of inside: Sketch list * MergeCard
    /// Side by side; a branch without layers is x itself.
    | Branches of Sketch list list * MergeCard
    /// A block, or equal rounds of a repetition, which are drawn once.
    | Frame of title: string * inside: Sketch list

type internal NetworkSketch = {
    Name: string
    /// The cost of the whole network, as a sentence.
    Cost: string
    Layers: Sketch list
    /// The `tasks` beside the input.
    Tasks: LayerCard option
    /// The named pools, in order of first use.
    Pools: PoolCard list
}
