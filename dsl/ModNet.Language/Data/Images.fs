namespace ModNet

open System.ComponentModel

/// Sets the fields of a set of images in files; made by `mnist` and `cifar10`.
[<Sealed>]
type ImageDataBuilder internal (path: string, ofImages: ImageData -> Data) =
    inherit
        SettingsBlock<ImageData>(
            {
                Path = path
                HeldOut = 5_000
                Standardise = false
                SplitSeed = 1
                Only = []
                Renumber = false
                Permuted = None
                OneVsRest = None
                Reconstruct = false
            }
        )

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

    /// The classes whose images are taken, for training, validation and test; all unless said. Validation images are held out before, so
    /// that sets of different classes have no image in common.
    /// Example: `only [ 0; 1 ]`
    [<CustomOperation "only">]
    member _.Only(draft: ImageData, classes: int list) = { draft with Only = classes }

    /// Whether the classes of `only` are numbered from 0 in the order in which they are said, for a head of so many classes; unless said they
    /// keep their numbers.
    /// Example: `renumber true`
    [<CustomOperation "renumber">]
    member _.Renumber(draft: ImageData, yes: bool) = { draft with Renumber = yes }

    /// Puts the pixels into an order that is drawn by this seed, the same for all images and channels; unless said they stay where they are.
    /// Example: `permuted 7`
    [<CustomOperation "permuted">]
    member _.Permuted(draft: ImageData, seed: int) = { draft with Permuted = Some seed }

    /// Tells one class from all others: its images become class 1, and as many images of the other classes, drawn by `split_seed`, class 0; for training,
    /// validation and test, for a head of two classes. Unless said all images are taken, with their own classes. It does not go with `only`.
    /// Example: `one_vs_rest 3`
    [<CustomOperation "one_vs_rest">]
    member _.OneVsRest(draft: ImageData, number: int) = { draft with OneVsRest = Some number }

    /// Whether an image is its own target, in place of its class: its C·H·W values as the network reads them, from 0 to 1 or standardised.
    /// Example: `reconstruct true`
    [<CustomOperation "reconstruct">]
    member _.Reconstruct(draft: ImageData, value: bool) = { draft with Reconstruct = value }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: ImageData) = ofImages draft

[<AutoOpen>]
module ImageSources =

    /// MNIST, or a set in its format: x an image [1, 28, 28], y one of 10 classes; 60,000 images to train on, 10,000 to test. `directory`
    /// has its four idx files, as they are downloaded, packed (`.gz`) or not; a blank is left to `--data`.
    /// Settings: `held_out`, `standardise`, `split_seed`, `only`, `renumber`, `permuted`, `one_vs_rest`, `reconstruct`; `{ }` alone holds 5,000 images out.
    /// Example: `mnist "data/mnist" { held_out 5_000; standardise true }`
    let mnist (directory: string) = ImageDataBuilder(directory, Data.Mnist)

    /// CIFAR-10: x an image [3, 32, 32], y one of 10 classes; 50,000 images to train on, 10,000 to test. `path` is `cifar-10-binary.tar.gz`,
    /// as it is downloaded, or a directory with it or its files; a blank is left to `--data`.
    /// Settings: `held_out`, `standardise`, `split_seed`, `only`, `renumber`, `permuted`, `one_vs_rest`, `reconstruct`; `{ }` alone holds 5,000 images out.
    /// Example: `cifar10 "data/cifar-10-binary.tar.gz" { standardise true }`
    let cifar10 (path: string) = ImageDataBuilder(path, Data.Cifar10)

module internal ImageKinds =

    let private fields =
        Codec.fields {
            let! path = Codec.field "path" (fun (images: ImageData) -> images.Path) Codec.string
            and! heldOut = Codec.field "held_out" _.HeldOut Codec.int
            and! standardise = Codec.field "standardise" _.Standardise Codec.bool
            and! splitSeed = Codec.field "split_seed" _.SplitSeed Codec.int
            and! only = Codec.unlessPlain "only" [] _.Only (Codec.list Codec.int)
            and! renumber = Codec.unlessPlain "renumber" false _.Renumber Codec.bool
            and! permuted = Codec.optional "permuted" _.Permuted Codec.int
            and! oneVsRest = Codec.optional "one_vs_rest" _.OneVsRest Codec.int
            and! reconstruct = Codec.unlessPlain "reconstruct" false _.Reconstruct Codec.bool

            return {
                ImageData.Path = path
                HeldOut = heldOut
                Standardise = standardise
                SplitSeed = splitSeed
                Only = only
                Renumber = renumber
                Permuted = permuted
                OneVsRest = oneVsRest
                Reconstruct = reconstruct
            }
        }

    /// Images of a shape in 10 classes, so many to train on in the original.
    let private kind word get make (what: string) (shape: Shape) (count: int) =
        let check (rules: DataRules) (images: ImageData) =
            rules.HeldOut("held_out", images.HeldOut, Some count)

            let note got remedy =
                rules.Notes.Add(Fault.ClassesUnfit, rules.Place "only", "different classes from 0 to 9", got, remedy)

            match images.Only |> List.tryFind (fun number -> number < 0 || number > 9) with
            | Some outside -> note $"class {outside}" "name classes that there are"
            | None ->
                match images.Only |> List.countBy id |> List.tryFind (fun (_, times) -> times > 1) with
                | Some(twice, _) -> note $"class {twice} twice" "say each once"
                | None -> ()

            if images.Renumber && images.Only.IsEmpty then
                rules.Notes.Add(
                    Fault.ClassesUnfit,
                    rules.Place "renumber",
                    "some classes that `only` names, to be numbered from 0",
                    "none",
                    "say `only`, or leave `renumber` out"
                )

            match images.OneVsRest with
            | Some number when number < 0 || number > 9 ->
                rules.Notes.Add(
                    Fault.ClassesUnfit,
                    rules.Place "one_vs_rest",
                    "a class from 0 to 9",
                    $"class {number}",
                    "name a class that there is"
                )
            | Some _ when not images.Only.IsEmpty ->
                rules.Notes.Add(
                    Fault.ClassesUnfit,
                    rules.Place "one_vs_rest",
                    "all classes, one against the others",
                    $"{images.Only.Length} classes that `only` names",
                    "leave `only` or `one_vs_rest` out"
                )
            | _ -> ()

            if images.Reconstruct then
                let beside (word: string) =
                    rules.Notes.Add(
                        Fault.ClassesUnfit,
                        rules.Place word,
                        "classes as targets, which it numbers",
                        "images as their own targets",
                        $"leave `{word}` or `reconstruct` out"
                    )

                if images.Renumber then beside "renumber"
                if images.OneVsRest.IsSome then beside "one_vs_rest"

            let classes =
                if images.OneVsRest.IsSome then 2
                elif images.Renumber && not images.Only.IsEmpty then images.Only.Length
                else 10

            let target =
                if images.Reconstruct then Target.Values(int (ShapeRules.Values shape)) else Target.Classes classes

            rules.Fits(what, Some shape, target)

        {
            DataKind.make word get make fields check with
                Path = fun images -> Some images.Path
                At = fun path images -> { images with Path = path }
                Prepares = fun _ -> true
                WithoutValidation = fun images -> DataKind.holdOut images.HeldOut
        }

    let mnist =
        kind
            "mnist"
            (function
            | Data.Mnist images -> Some images
            | _ -> None)
            Data.Mnist
            "MNIST"
            (Shape.Image(1, 28, 28))
            60_000

    let cifar10 =
        kind
            "cifar10"
            (function
            | Data.Cifar10 images -> Some images
            | _ -> None)
            Data.Cifar10
            "CIFAR-10"
            (Shape.Image(3, 32, 32))
            50_000
