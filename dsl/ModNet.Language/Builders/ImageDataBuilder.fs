namespace ModNet

open System.ComponentModel

/// Sets the fields of a set of images in files; made by `mnist` and `cifar10`.
[<Sealed>]
type ImageDataBuilder internal (path: string, ofImages: ImageData -> Data) =

    let standard: ImageData = { Path = path; HeldOut = 5_000; Standardise = false; SplitSeed = 1 }

    /// The number of training images held out for validation, ≥ 0; 5,000 unless said.
    /// Example: `held_out 5_000`
    [<CustomOperation "held_out">]
    member _.HeldOut(draft: ImageData, count: int) = { draft with HeldOut = count }

    /// Whether each channel is shifted and scaled to mean 0 and deviation 1 over the training images; else, and unless said, pixels are
    /// in [0, 1].
    /// Example: `standardise true`
    [<CustomOperation "standardise">]
    member _.Standardise(draft: ImageData, yes: bool) = { draft with Standardise = yes }

    /// What the held-out images are drawn by, whatever the experiment's seed; 1 unless said.
    /// Example: `split_seed 2`
    [<CustomOperation "split_seed">]
    member _.SplitSeed(draft: ImageData, seed: int) = { draft with SplitSeed = seed }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Zero() = standard

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(_: unit) = standard

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Delay(settings: unit -> ImageData) = settings ()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: ImageData) = ofImages draft

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Images, WrongChild.Code, IsError = true)>]
    member _.Yield(_: 'Other) = standard

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Images, WrongChild.Code, IsError = true)>]
    member _.Combine(_: 'First, _: 'Second) = standard

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Images, WrongChild.Code, IsError = true)>]
    member _.For(_: 'First, _: 'Second) = standard
