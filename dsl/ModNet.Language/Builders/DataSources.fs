namespace ModNet

[<AutoOpen>]
module DataSources =

    /// Next-word prediction: `path` is a directory with `*.train.txt`, `*.valid.txt` and `*.test.txt`, or one text file.
    /// A datapoint is a window [T] of words. Settings: `window`, `vocabulary`; `{ }` alone takes the paper's.
    /// Example: `text "data/ptb" { window 35 }`
    let text (path: string) = TextBuilder path

    /// The paper's toy regression (§3.1, appendix B): x [D] from two Gaussians, y [D] = Rx (a rotation) or Sx (a scaling).
    /// Settings: `dimensions`, `points`, `held_out`, `separation`, `spread`, `seed_offset`.
    /// Example: `toy_regression { points 1_000; held_out 1_000 }`
    let toy_regression = ToyRegressionBuilder()

    /// Rows of a CSV file (RFC 4180): x [features] of numbers, and y [targets] of numbers or, with `classes`, a class. `target` or
    /// `targets` must be said. A blank path is left to `--data`.
    /// Settings: `target`, `targets`, `classes`, `features`, `task`, `header`, `separator`, `standardise`, `held_out`, `test`, `split_seed`.
    /// Example: `csv "iris.csv" { target "species"; classes 3; held_out 0.2; test 0.2 }`
    let csv (path: string) = CsvBuilder path

    /// MNIST, or a set in its format: x an image [1, 28, 28], y one of 10 classes; 60,000 images to train on, 10,000 to test. `directory`
    /// has its four idx files, as they are downloaded, packed (`.gz`) or not; a blank is left to `--data`.
    /// Settings: `held_out`, `standardise`, `split_seed`; `{ }` alone holds 5,000 images out.
    /// Example: `mnist "data/mnist" { held_out 5_000; standardise true }`
    let mnist (directory: string) = ImageDataBuilder(directory, Data.Mnist)

    /// CIFAR-10: x an image [3, 32, 32], y one of 10 classes; 50,000 images to train on, 10,000 to test. `path` is `cifar-10-binary.tar.gz`,
    /// as it is downloaded, or a directory with it or its files; a blank is left to `--data`.
    /// Settings: `held_out`, `standardise`, `split_seed`; `{ }` alone holds 5,000 images out.
    /// Example: `cifar10 "data/cifar-10-binary.tar.gz" { standardise true }`
    let cifar10 (path: string) = ImageDataBuilder(path, Data.Cifar10)

    /// Arrays of the script's own: x [width] or [C, H, W], and y [width] of numbers or a class. `inputs`, and `classes` or `values`, must be
    /// said. JSON holds name, shapes and a checksum; an experiment that was read from JSON needs the arrays again (`Experiment.with_code_of`).
    /// Settings: `inputs`, `classes`, `values`, `tasks`, `given`, `held_out`, `test`, `split_seed`.
    /// Example: `in_memory "xor" { inputs (array2D [ [ 0.0f; 1.0f ]; [ 1.0f; 1.0f ] ]); classes 2 [| 1; 0 |] }`
    let in_memory (name: string) = InMemoryBuilder name

    /// Datapoints that a function draws: x [width] or [C, H, W], and y [width] of numbers or a class. `features` or `image`, `classes` or
    /// `values`, and `draw` must be said. JSON holds the name and not the function, so an experiment that was read from JSON needs the
    /// function again (`Experiment.with_code_of`).
    /// Settings: `features`, `image`, `classes`, `values`, `tasks`, `given`, `points`, `held_out`, `test`, `seed_offset`, `draw`.
    /// Example: `generated "sign" { features 1; classes 2; draw (fun random -> let x = random.NextSingle() - 0.5f in Datapoint.labelled [| x |] (if x > 0.0f then 1 else 0)) }`
    let generated (name: string) = GeneratedBuilder name
