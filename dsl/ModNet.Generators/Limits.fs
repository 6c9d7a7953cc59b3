namespace ModNet.Generators

/// How large generated networks get, at most; every number ≥ 1 but for Layers and Depth, ≥ 0.
type Limits = {
    /// Layers in a row between input and head; half as many inside a branch, a repetition or a module.
    Layers: int
    /// How deep residuals, branches and repetitions nest.
    Depth: int
    /// Of vectors and of a sequence's steps. A flattened image is as wide as it comes.
    Width: int
    /// Of images.
    Channels: int
    /// The height and width of images.
    Side: int
    /// M.
    Modules: int
    /// K.
    Choose: int
    /// Of tokens; classes and task ids too.
    Vocabulary: int
}

/// Limits for a purpose; change one with `{ Limits.small with … }`.
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Limits =

    /// Networks that run in milliseconds on a handful of datapoints.
    let small = { Layers = 4; Depth = 2; Width = 5; Channels = 3; Side = 5; Modules = 4; Choose = 3; Vocabulary = 6 }

    /// Small ones that grow with FsCheck's size, which runs from 1 to 100 unless said: the first networks are tiny, so that
    /// what fails there is easy to read.
    let ofSize (size: int) = {
        small with
            Layers = min 5 (1 + size / 15)
            Depth = min 2 (size / 25)
            Width = min 6 (2 + size / 15)
            Side = min 6 (2 + size / 15)
    }

    /// Networks whose compositions can be counted out: one or two layers of at most 3 modules.
    let tiny = { small with Layers = 2; Depth = 1; Width = 3; Side = 3; Modules = 3; Choose = 2; Vocabulary = 3 }
