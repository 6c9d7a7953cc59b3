namespace ModNet.Tests

open System
open System.Globalization
open System.IO
open ModNet
open ModNet.Runtime
open ModNet.Tests.Running
open TorchSharp

/// Small runs of each kind of data, trained in this process.
module SmallRuns =

    let private invariant (value: float) = value.ToString("F4", CultureInfo.InvariantCulture)

    let private train (experiment: Experiment) : string =
        quietly (fun () -> Running.train Settings.none experiment |> ignore)
        experiment.Out.Value

    /// Rows of flowers: two columns far from zero, a column that is no feature, and a species by name with a comma in it.
    let flowers (count: int) : (string * string * string * string) list =
        let random = Random 5

        [
            for i in 1..count do
                let species = [| "setosa"; "virginica, blue" |][i % 2]
                let long = 1_000.0 + 3.0 * float (i % 2) + random.NextDouble()
                invariant long, invariant (random.NextDouble()), $"n{i}", species
        ]

    /// What the summary in a run's folder says of a metric in a phase.
    let measured (folder: string) (phase: string) (metric: string) : float =
        let values = (RunFiles.summary folder).Value[phase].AsObject()
        values[metric].GetValue<float>()

    let quoted (text: string) = if text.Contains ',' then $"\"{text}\"" else text

    let private writeFlowers (path: string) =
        File.WriteAllLines(
            path,
            "length,width,name,species"
            :: [ for long, wide, name, species in flowers 60 -> $"{long},{wide},{name},{quoted species}" ]
        )

    /// A network on rows that tells two classes apart by two features, which are standardised.
    let classes (directory: string) (chance: int) : Experiment =
        let path = Path.Combine(directory, "flowers.csv")
        writeFlowers path

        experiment {
            net (
                network "flowers" {
                    features 2

                    modular {
                        modules 3
                        unit (linear 6 |> tanh)
                        choose 2
                    }

                    softmax 2
                }
            )

            data (
                csv path {
                    target "species"
                    classes 2
                    features [ "length"; "width" ]
                    standardise true
                }
            )

            train (
                em {
                    steps 60
                    batch 16
                    optimizer (Adam 0.05)
                }
            )

            seed chance
            validate_every 20
            log_every 10
            out (Path.Combine(directory, $"classes-{chance}"))
        }

    /// The folder of a run of it.
    let ofClasses (directory: string) (chance: int) : string = train (classes directory chance)

    /// A network on rows without a header whose first column is y, a number.
    let ofNumbers (directory: string) : string =
        let path = Path.Combine(directory, "numbers.csv")
        let random = Random 6

        File.WriteAllLines(
            path,
            [
                for _ in 1..60 do
                    let a, b = random.NextDouble(), random.NextDouble()
                    $"{invariant (a + b)};{invariant a};{invariant b}"
            ]
        )

        train (
            experiment {
                net (
                    network "numbers" {
                        features 2
                        linear 4 |> tanh
                        linear 1
                        gaussian (variance 0.25)
                    }
                )

                data (
                    csv path {
                        target "1"
                        header false
                        separator Semicolon
                    }
                )

                train (
                    static_modules {
                        steps 40
                        batch 16
                        optimizer (Adam 0.05)
                    }
                )

                out (Path.Combine(directory, "numbers"))
            }
        )

    /// Rows with a colour, a month, a number and a date, some of which are missing, and two numbers to predict.
    let table (count: int) : string list =
        "colour,month,a,sold,y,z"
        :: [
            for i in 1..count do
                let colour = [ "red"; "blue"; "" ][i % 3]
                let a = if i % 7 = 0 then "" else invariant (float i / 10.0)
                $"{colour},{i % 4 + 1},{a},2024-01-{i % 28 + 1:D2},{i % 5},{i % 6}"
        ]

    /// A network on such a table, which embeds the month.
    let tableExperiment (directory: string) (width: int) (months: int) : Experiment =
        let path = Path.Combine(directory, "table.csv")
        File.WriteAllLines(path, table 60)

        experiment {
            net (
                network "table" {
                    features width
                    embed_columns [ (3, months, 2) ]
                    linear 2
                    gaussian (variance 1.0)
                }
            )

            data (
                csv path {
                    targets [ "y"; "z" ]
                    categorical [ "colour" ]
                    coded [ "month" ]
                    dates [ "sold" ]
                    missing Mean
                    standardise true
                }
            )

            train (
                static_modules {
                    steps 20
                    batch 16
                }
            )

            out (Path.Combine(directory, "table"))
        }

    let ofTable (directory: string) : string = train (tableExperiment directory 6 4)

    /// A network on rows with a task's name that predicts two bits: whether x is above a half, and whether the task is the second.
    let ofBits (directory: string) : string =
        let path = Path.Combine(directory, "bits.csv")
        let random = Random 7

        File.WriteAllLines(
            path,
            "x,subject,high,second"
            :: [
                for i in 1..60 do
                    let x = random.NextDouble()
                    $"""{invariant x},{[| "maths"; "art" |][i % 2]},{(if x > 0.5 then 1 else 0)},{(i + 1) % 2}"""
            ]
        )

        train (
            experiment {
                net (
                    network "bits" {
                        features 1
                        tasks 2

                        modular {
                            modules 2
                            unit (linear 2)
                            controller Task
                        }

                        bernoulli
                    }
                )

                data (
                    csv path {
                        targets [ "high"; "second" ]
                        task "subject"
                    }
                )

                train (
                    em {
                        steps 100
                        batch 16
                        optimizer (Adam 0.05)
                    }
                )

                out (Path.Combine(directory, "bits"))
            }
        )

    /// A text in which every word has its successor: a b c a b c …, in lines of six.
    let cycle (directory: string) : string =
        let path = Path.Combine(directory, "cycle.txt")
        File.WriteAllLines(path, List.replicate 60 "ada bob cid ada bob cid")
        path

    /// A recurrent network on a text.
    let ofText (directory: string) (carry: bool) : string =
        train (
            experiment {
                net (
                    network "cycle" {
                        tokens 5
                        embed 6

                        modular_gru {
                            hidden 8
                            modules 2
                            unit (linear 8)
                        }

                        softmax 5
                    }
                )

                data (
                    text (cycle directory) {
                        window 5
                        carry_state carry
                    }
                )

                train (
                    em {
                        steps 150
                        batch 8
                        optimizer (Adam 0.05)
                    }
                )

                validate_every 50
                out (Path.Combine(directory, $"text-{carry}"))
            }
        )

    /// Ids of words as a text that a network on texts reads, [1, T].
    let ids (words: int list) : torch.Tensor = torch.tensor([| for id in words -> int64 id |]).view(1L, -1L)

    /// A text of lines in which every character has its successor, one of them beyond UTF-16's first plane, and an accent that combines.
    let pattern = "ab😀c e\u0301"

    /// A recurrent network on the characters of such a text.
    let ofCharacters (directory: string) : string =
        let path = Path.Combine(directory, "characters.txt")
        File.WriteAllLines(path, List.replicate 60 pattern)

        train (
            experiment {
                net (
                    network "characters" {
                        tokens 9
                        embed 8
                        gru 16
                        softmax 9
                    }
                )

                data (
                    text path {
                        window 8
                        characters true
                        carry_state true
                    }
                )

                train (
                    static_modules {
                        steps 200
                        batch 6
                        optimizer (Adam 0.05)
                    }
                )

                out (Path.Combine(directory, "characters"))
            }
        )

    /// A network on images in MNIST's format, few of them.
    let ofImages (directory: string) : string =
        let files = Directory.CreateDirectory(Path.Combine(directory, "images")).FullName
        writeMnist files "" 120 30

        train (
            experiment {
                net (
                    network "digits" {
                        image (1, 28, 28)
                        flatten
                        linear 16 |> relu
                        softmax 10
                    }
                )

                data (mnist files { held_out 20 })

                train (
                    static_modules {
                        steps 60
                        batch 32
                        optimizer (Adam 0.01)
                    }
                )

                validate_every 30
                out (Path.Combine(directory, "images-run"))
            }
        )
